//! The service as its users and operators meet it: real processes, real sockets, the real network.
