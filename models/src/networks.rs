//! The graph of each network.

use crate::graph::NetworkGraph;
use crate::manifest::Network;
use crate::{selfie, u2net};

/// Returns the graph of `network`.
pub fn network_graph(network: Network) -> NetworkGraph {
    match network {
        Network::IsNet => u2net::isnet_graph(),
        Network::U2NetP => u2net::u2netp_graph(),
        Network::Selfie => selfie::graph(),
    }
}
