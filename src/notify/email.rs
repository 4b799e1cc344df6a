//! Each message as an e-mail.

use super::channels::{Letter, NotSent};
use crate::api::failures::clean;
use crate::config::{self, MailServer, Privacy};
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use std::time::{Duration, UNIX_EPOCH};

/// The longest wait for an answer of the server.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// The longest time that handing one message over may take in all.
const WITHIN: Duration = Duration::from_secs(60);

/// Hands each message to a mail server.
pub struct Email {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl Email {
    /// Sets it up, with a user's name and password if there are any; connects to nothing.
    ///
    /// # Errors
    /// If there are no certificates to check the server's with.
    pub fn new(
        email: &config::Email,
        login: Option<(String, SecretString)>,
    ) -> Result<Self, Error> {
        // Installed already is as good.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let server = &email.server;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
            .port(server.port)
            .tls(tls(server)?)
            .timeout(Some(ANSWER_WITHIN));
        if let Some((user, password)) = login {
            let password = password.expose_secret().to_owned();
            builder = builder.credentials(Credentials::new(user, password));
        }
        Ok(Self {
            transport: builder.build(),
            from: email.from.clone(),
            to: email.to.clone(),
        })
    }

    /// Hands it over. Its `Message-ID` is the same in every try.
    ///
    /// # Errors
    /// If the server cannot be reached or refuses it.
    pub async fn send(&self, letter: Letter<'_>) -> Result<(), NotSent> {
        let message = self.message(letter).map_err(|error| NotSent {
            reason: clean(&error.to_string()),
            lasting: true,
        })?;
        match tokio::time::timeout(WITHIN, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(NotSent {
                reason: clean(&format!("the mail server: {error}")),
                lasting: error.is_permanent(),
            }),
            Err(_) => Err(NotSent {
                reason: "the mail server took too long".to_owned(),
                lasting: false,
            }),
        }
    }

    fn message(&self, letter: Letter<'_>) -> Result<Message, lettre::error::Error> {
        let millis = u64::try_from(letter.at.millis()).unwrap_or(0);
        let mut builder = Message::builder()
            .from(self.from.clone())
            .subject(letter.subject)
            .message_id(Some(format!(
                "<{}@{}>",
                letter.id,
                self.from.email.domain()
            )))
            .date(UNIX_EPOCH + Duration::from_millis(millis))
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        builder.body(letter.body.to_owned())
    }
}

fn tls(server: &MailServer) -> Result<Tls, Error> {
    let parameters = || TlsParameters::new(server.host.clone());
    Ok(match server.privacy {
        Privacy::Tls => Tls::Wrapper(parameters()?),
        Privacy::StartTls => Tls::Required(parameters()?),
        Privacy::Local => Tls::None,
    })
}
