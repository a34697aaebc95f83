//! A handshake that somebody has recorded is worth nothing: neither when it is played to the node again, nor when what the
//! node has answered is played to another.

use crate::support::{
    LONG, LOOPBACK, accept, authority, certificates, closed, listen, listen_over, nobody, node, shared_key,
};
use fardel_node::transport::{Address, Connector, Limits, Scheme, Security};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

type Record = Arc<Mutex<Vec<u8>>>;

/// Passes on what comes, and keeps it.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, record: Record) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let bytes = buffer.get(..count).expect("they were read");
        record.lock().expect("no test panics with it").extend_from_slice(bytes);
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

/// One connection of a node with another, as it passes by: what each side says, that of the node that dials first.
async fn recorded(server: Security, client: Security) -> (Vec<u8>, Vec<u8>) {
    let mut listener = listen(server, Limits::default()).await;
    let node = listener.local_address().socket;
    let socket = TcpListener::bind(LOOPBACK).await.expect("a port");
    let dialled = socket.local_addr().expect("an address");
    let (there, back) = (Record::default(), Record::default());
    let records = (there.clone(), back.clone());
    let proxy = tokio::spawn(async move {
        let (client, _) = socket.accept().await.expect("a connection");
        let server = TcpStream::connect(node).await.expect("the port is open");
        let ((client_reader, client_writer), (server_reader, server_writer)) = (client.into_split(), server.into_split());
        tokio::join!(pass(client_reader, server_writer, records.0), pass(server_reader, client_writer, records.1));
    });
    let mut connected = Connector::new(client).connect(dialled).await.expect("a connection");
    let mut accepted = accept(&mut listener).await;
    connected.writer.write_all(b"spawn").await.expect("it goes out");
    connected.writer.flush().await.expect("it goes out");
    accepted.reader.read_exact(&mut [0; 5]).await.expect("it comes in");
    drop((connected, accepted));
    tokio::time::timeout(LONG, proxy).await.expect("it ends").expect("no panic");
    let taken = |record: &Record| record.lock().expect("no test panics with it").clone();
    (taken(&there), taken(&back))
}

#[tokio::test]
async fn what_a_node_has_said_opens_no_connection_again() {
    let server = certificates(&node(&authority()));
    for security in [server, shared_key('a')] {
        let (said, answered) = recorded(security.clone(), security.clone()).await;
        assert!(said.len() > 500 && answered.len() > 500, "{} and {} bytes", said.len(), answered.len());
        // The same node, which has the same keys.
        let mut listener = listen(security.clone(), Limits::default()).await;
        for bytes in [&said, &answered] {
            let mut stream = TcpStream::connect(listener.local_address().socket).await.expect("the port is open");
            // The node may have closed before all is out.
            let _ = stream.write_all(bytes).await;
            let _ = stream.shutdown().await;
            closed(&mut stream).await;
        }
        nobody(&mut listener).await;
        Connector::new(security.clone()).connect(listener.local_address()).await.expect("the node itself is let in");
        // And whoever dials does not take a recorded answer for one.
        let socket = TcpListener::bind(LOOPBACK).await.expect("a port");
        let address = socket.local_addr().expect("an address");
        let playing = async {
            let (mut stream, _) = socket.accept().await.expect("a connection");
            let _ = stream.write_all(&answered).await;
            let _ = stream.shutdown().await;
            closed(&mut stream).await;
        };
        let connector = Connector::new(security);
        let (connected, ()) = tokio::join!(connector.connect(address), playing);
        connected.expect_err("no connection");
    }
}

/// The datagrams of a node that dials another over QUIC, as they pass by.
async fn recorded_datagrams(node: SocketAddr, security: Security) -> Vec<Vec<u8>> {
    let near = UdpSocket::bind(LOOPBACK).await.expect("a port");
    let dialled = Address::quic(near.local_addr().expect("an address"));
    let record = Arc::new(Mutex::new(Vec::new()));
    let kept = record.clone();
    let proxy = tokio::spawn(async move {
        let far = UdpSocket::bind(LOOPBACK).await.expect("a port");
        let (mut there, mut back, mut client) = ([0; 4096], [0; 4096], None);
        loop {
            tokio::select! {
                Ok((count, from)) = near.recv_from(&mut there) => {
                    client = Some(from);
                    let datagram = there.get(..count).expect("they were read");
                    kept.lock().expect("no test panics with it").push(datagram.to_vec());
                    far.send_to(datagram, node).await.expect("it goes out");
                }
                Ok(count) = far.recv(&mut back) => {
                    let client = client.expect("it has dialled");
                    near.send_to(back.get(..count).expect("they were read"), client).await.expect("it goes out");
                }
            }
        }
    });
    let mut connected = Connector::new(security).connect(dialled).await.expect("a connection");
    connected.writer.write_all(b"spawn").await.expect("it goes out");
    connected.writer.shutdown().await.expect("it has arrived");
    proxy.abort();
    record.lock().expect("no test panics with it").clone()
}

#[tokio::test]
async fn over_quic_as_little() {
    let security = shared_key('a');
    let mut listener = listen_over(Scheme::Quic, security.clone(), Limits::default()).await;
    let node = listener.local_address().socket;
    let datagrams = recorded_datagrams(node, security.clone()).await;
    let taken = accept(&mut listener).await;
    assert!(datagrams.len() > 3, "{} datagrams", datagrams.len());
    // While the connection is there, and when it is gone.
    for taken in [Some(taken), None] {
        let socket = UdpSocket::bind(LOOPBACK).await.expect("a port");
        for datagram in &datagrams {
            socket.send_to(datagram, node).await.expect("it goes out");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        nobody(&mut listener).await;
        drop(taken);
    }
    Connector::new(security).connect(listener.local_address()).await.expect("the node itself is let in");
}
