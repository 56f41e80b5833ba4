//! When a long-lived command is told to stop.

/// Completes at SIGTERM, SIGINT or SIGHUP, which a program gets when its terminal closes.
pub async fn signal() {
    tokio::select! {
        () = signal_but_hang_up() => {}
        () = hang_up() => {}
    }
}

/// Completes at SIGTERM or SIGINT.
pub async fn signal_but_hang_up() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    // An error means that signals cannot be received; then only killing the process stops it.
    let _ = tokio::signal::ctrl_c().await;
}

async fn hang_up() {
    #[cfg(unix)]
    if let Ok(mut hang_up) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()) {
        hang_up.recv().await;
        return;
    }
    std::future::pending::<()>().await;
}
