//! When a command is told to stop.

use std::thread;

use tokio::sync::watch;

/// The signals that tell a long-lived command to stop. They are received from its construction on, so that none ends the
/// process or is lost before somebody waits for it.
pub struct StopSignals {
    received: watch::Receiver<bool>,
}

impl StopSignals {
    /// SIGTERM, SIGINT, and SIGHUP, which a program gets when its terminal closes.
    pub fn all() -> Self {
        Self::new(true)
    }

    /// SIGTERM and SIGINT. SIGHUP does not end the process.
    pub fn but_hang_up() -> Self {
        Self::new(false)
    }

    #[cfg(unix)]
    fn new(hang_up_stops: bool) -> Self {
        use tokio::signal::unix::{Signal, SignalKind, signal};
        // A signal that cannot be received keeps its default action, which is to end the process.
        let [mut terminate, mut interrupt, mut hang_up] =
            [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(|kind| signal(kind).ok());
        async fn wait(signal: &mut Option<Signal>) {
            match signal {
                Some(signal) => signal.recv().await.unwrap_or(()),
                None => std::future::pending().await,
            }
        }
        Self::when(async move {
            tokio::select! {
                () = wait(&mut terminate) => {}
                () = wait(&mut interrupt) => {}
                () = wait(&mut hang_up), if hang_up_stops => {}
            }
        })
    }

    #[cfg(not(unix))]
    fn new(_: bool) -> Self {
        // An error means that the signal cannot be received; then only killing the process stops it.
        Self::when(async {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }

    fn when(signal: impl Future<Output = ()> + Send + 'static) -> Self {
        let (send, received) = watch::channel(false);
        tokio::spawn(async move {
            signal.await;
            let _ = send.send(true);
        });
        Self { received }
    }

    /// Completes as soon as one of the signals has been received, even if it arrived before this call.
    pub async fn received(&mut self) {
        if self.received.wait_for(|received| *received).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Calls `exit` when the process gets SIGINT or SIGTERM, with the exit code that shells give to such an end.
///
/// SIGHUP is left alone: `nohup` has it ignored.
pub fn exit_on_signal(exit: impl FnOnce(u8) + Send + 'static) {
    // Without a runtime the signals end the process at once, as they do by default.
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        // From here on the signals are received, though the thread may not wait for them yet.
        let guard = runtime.enter();
        let signals = signal(SignalKind::interrupt()).and_then(|int| Ok((int, signal(SignalKind::terminate())?)));
        drop(guard);
        let Ok((mut interrupt, mut terminate)) = signals else { return };
        thread::spawn(move || {
            exit(runtime.block_on(async {
                tokio::select! {
                    _ = interrupt.recv() => 130,
                    _ = terminate.recv() => 143,
                }
            }));
        });
    }
    #[cfg(not(unix))]
    thread::spawn(move || {
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            exit(130);
        }
    });
}
