//! A connection that can be cut while a request on it is being answered.

use std::{
    io::{Error, ErrorKind, Result},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

/// Where connections come from that can be cut.
pub(super) struct Wires(pub(super) TcpListener);

/// What a connection hangs on.
#[derive(Debug, Clone, Default)]
pub(super) struct Cord(Arc<AtomicBool>);

/// A connection.
pub(super) struct Wire {
    stream: TcpStream,
    cord: Cord,
}

impl Cord {
    /// Nothing goes over the connection any more; whatever is written next ends it.
    pub(super) fn cut(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn holds(&self) -> Result<()> {
        if self.0.load(Ordering::SeqCst) { Err(Error::from(ErrorKind::ConnectionReset)) } else { Ok(()) }
    }
}

impl Listener for Wires {
    type Io = Wire;
    type Addr = Cord;

    async fn accept(&mut self) -> (Wire, Cord) {
        let (stream, _) = Listener::accept(&mut self.0).await;
        let cord = Cord::default();
        (Wire { stream, cord: cord.clone() }, cord)
    }

    fn local_addr(&self) -> Result<Cord> {
        Ok(Cord::default())
    }
}

impl Connected<IncomingStream<'_, Wires>> for Cord {
    fn connect_info(stream: IncomingStream<'_, Wires>) -> Self {
        stream.remote_addr().clone()
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        self.cord.holds()?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        self.cord.holds()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
