//! Calls that are sent again at once, because the server certainly did not act on them.

use crate::provider::aimlapi::api_key::{ApiKey, Bearer};
use crate::provider::call::{CallError, CallErrorKind};
use std::sync::Arc;

/// How often a call is sent again that the server did not process. A server that retires a connection takes the next
/// call on a new one, but many calls may share that one, too.
const MAX_UNPROCESSED: u32 = 8;

/// Repetitions of one call so far.
#[derive(Default)]
pub(crate) struct Resends {
    unprocessed: u32,
    key_renewed: bool,
}

impl Resends {
    /// Whether the call that failed with `error` under the key `sent` is to be sent again.
    ///
    /// A refused key is read again once for each call. The call is sent again if the key has changed.
    pub(crate) async fn allow(
        &mut self,
        error: &CallError,
        key: &ApiKey,
        sent: &Arc<Bearer>,
    ) -> bool {
        match error.kind {
            CallErrorKind::NotProcessed => {
                self.unprocessed += 1;
                self.unprocessed <= MAX_UNPROCESSED
            }
            CallErrorKind::Auth if !self.key_renewed => {
                self.key_renewed = key.renew(sent).await;
                self.key_renewed
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ApiMode, ErrorClass, GenerationId, Request};
    use crate::provider::aimlapi::client::{Client, ClientSettings};
    use crate::provider::call::Expected;
    use crate::provider::call::{AudioSource, PollStatus, Submission};
    use crate::provider::{Accepted, SubmitReply};
    use h2::Reason;
    use secrecy::SecretString;
    use std::net::SocketAddr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    /// Reaction to a complete request.
    #[derive(Debug, Clone, Copy)]
    enum Reaction {
        /// GOAWAY with this last stream and error code on a connection of its own, which is then closed.
        GoAway(u32, Reason),
        /// RST_STREAM with this code.
        Reset(Reason),
        /// A response with this body.
        Respond(&'static str),
    }

    /// Serves one request for each reaction. Returns the address.
    async fn serve(reactions: Vec<Reaction>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let mut reactions = reactions.into_iter().peekable();
            while let Some(reaction) = reactions.next() {
                let (stream, _) = listener.accept().await.unwrap();
                match reaction {
                    Reaction::GoAway(last, reason) => go_away(stream, last, reason).await,
                    first => {
                        let is_stream = |next: &Reaction| !matches!(next, Reaction::GoAway(..));
                        let others = std::iter::from_fn(|| reactions.next_if(is_stream));
                        serve_streams(stream, std::iter::once(first).chain(others)).await;
                    }
                }
            }
        });
        address
    }

    async fn go_away(mut stream: TcpStream, last: u32, reason: Reason) {
        stream.read_exact(&mut [0; 24]).await.unwrap();
        stream
            .write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0])
            .await
            .unwrap();
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).await.unwrap();
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            stream.read_exact(&mut payload).await.unwrap();
            let is_request = matches!(head[3], 0 | 1);
            if is_request && head[4] & 1 == 1 {
                break;
            }
        }
        let mut frame = vec![0, 0, 8, 7, 0, 0, 0, 0, 0];
        frame.extend(last.to_be_bytes());
        frame.extend(u32::from(reason).to_be_bytes());
        stream.write_all(&frame).await.unwrap();
        stream.shutdown().await.unwrap();
    }

    async fn serve_streams(stream: TcpStream, mut reactions: impl Iterator<Item = Reaction>) {
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(accepted) = connection.accept().await {
            let (Ok((request, respond)), Some(reaction)) = (accepted, reactions.next()) else {
                return;
            };
            tokio::spawn(react(request.into_body(), respond, reaction));
        }
    }

    async fn react(
        mut body: h2::RecvStream,
        mut respond: h2::server::SendResponse<bytes::Bytes>,
        reaction: Reaction,
    ) {
        while body.data().await.is_some() {}
        match reaction {
            Reaction::Respond(text) => {
                let head = axum::http::Response::new(());
                let mut stream = respond.send_response(head, false).unwrap();
                stream.send_data(text.into(), true).unwrap();
            }
            Reaction::Reset(reason) => respond.send_reset(reason),
            Reaction::GoAway(..) => {}
        }
    }

    fn client(address: SocketAddr) -> Client {
        let settings = ClientSettings {
            base_url: format!("http://{address}/v1").parse().unwrap(),
            key: SecretString::from("sk-very-secret"),
            flow: ApiMode::TwoStep,
        };
        Client::new(&settings).unwrap().with_http2()
    }

    async fn submit(reactions: Vec<Reaction>) -> Result<Accepted, CallError> {
        let submission = Submission {
            request: &Request::new("#g1_nova-2-general", []),
            audio: AudioSource::Url("https://a/b.mp3"),
            client_request_id: "ns-1",
        };
        client(serve(reactions).await).submit(submission).await
    }

    const CREATED: Reaction = Reaction::Respond(r#"{"generation_id":"g-1"}"#);

    #[tokio::test]
    async fn a_request_that_the_server_did_not_process_is_sent_again() {
        for refusal in [
            Reaction::GoAway(0, Reason::NO_ERROR),
            Reaction::GoAway(0, Reason::ENHANCE_YOUR_CALM),
            Reaction::Reset(Reason::REFUSED_STREAM),
        ] {
            let accepted = submit(vec![refusal, refusal, CREATED]).await.unwrap();
            let id = GenerationId::new("g-1").unwrap();
            assert_eq!(accepted.reply, SubmitReply::Generation(id));
        }
    }

    #[tokio::test]
    async fn a_server_that_never_processes_requests_is_unreachable() {
        let refused = Reaction::Reset(Reason::REFUSED_STREAM);
        let count = MAX_UNPROCESSED as usize + 1;
        let error = submit(vec![refused; count]).await.unwrap_err();
        assert_eq!(error.kind, CallErrorKind::NotProcessed, "{error:?}");
        assert_eq!(error.failure.class, ErrorClass::Network);
    }

    #[tokio::test]
    async fn a_request_that_the_server_may_have_processed_is_uncertain() {
        for refusal in [
            Reaction::GoAway(1, Reason::NO_ERROR),
            Reaction::GoAway(1, Reason::INTERNAL_ERROR),
            Reaction::Reset(Reason::INTERNAL_ERROR),
            Reaction::Reset(Reason::CANCEL),
        ] {
            let error = submit(vec![refusal]).await.unwrap_err();
            assert_eq!(error.kind, CallErrorKind::Unknown, "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_poll_that_the_server_did_not_process_is_sent_again() {
        let calm = Reaction::GoAway(0, Reason::ENHANCE_YOUR_CALM);
        let waiting = Reaction::Respond(r#"{"status":"waiting"}"#);
        let client = client(serve(vec![calm, waiting]).await);
        let expected = Expected {
            generation: GenerationId::new("g-1").unwrap(),
            sha256: None,
        };
        let status = client.poll(expected).await.map(|reply| reply.status);
        assert_eq!(status, Ok(PollStatus::InProgress));
    }
}
