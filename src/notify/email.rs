//! Delivery of messages by e-mail.

use super::message::{DeliveryError, Message};
use crate::config::{self, MailServer, TlsMode};
use crate::domain::one_line;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use std::time::{Duration, UNIX_EPOCH};

/// Time limit of each response of the server.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);
/// Time limit of sending one message.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Client of a mail server, with sender and recipients.
pub struct EmailChannel {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl EmailChannel {
    /// Sets up the client. `login` is a user name and password. Opens no connection.
    ///
    /// # Errors
    /// If no certificates are found to verify the server's.
    pub fn new(
        email: &config::EmailConfig,
        login: Option<(String, SecretString)>,
    ) -> Result<Self, Error> {
        // Fails if a provider is already installed, which is fine.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let server = &email.server;
        // "Dangerous" because it encrypts nothing by default. `tls` sets what the configuration requires.
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
            .port(server.port)
            .tls(tls(server)?)
            .timeout(Some(RESPONSE_TIMEOUT));
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

    /// Sends a message. Its `Message-ID` is the same in every attempt.
    ///
    /// # Errors
    /// If the server cannot be reached, times out, or rejects the message.
    pub async fn send(&self, message: Message<'_>) -> Result<(), DeliveryError> {
        let mail = self.mail(message).map_err(|error| DeliveryError {
            reason: one_line(&error.to_string()),
            permanent: true,
        })?;
        match tokio::time::timeout(TIMEOUT, self.transport.send(mail)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(DeliveryError {
                reason: one_line(&format!("mail server: {error}")),
                permanent: is_permanent(&error),
            }),
            Err(_) => Err(DeliveryError {
                reason: "mail server timed out".to_owned(),
                permanent: false,
            }),
        }
    }

    /// Connects to the server and logs in, but sends no message.
    ///
    /// # Errors
    /// If the server cannot be reached within `timeout`, or refuses the encryption or the login.
    pub async fn try_connection(&self, timeout: Duration) -> Result<(), DeliveryError> {
        let (reason, permanent) =
            match tokio::time::timeout(timeout, self.transport.test_connection()).await {
                Ok(Ok(true)) => return Ok(()),
                Ok(Ok(false)) => ("mail server refused a connection".to_owned(), true),
                Ok(Err(error)) => (
                    one_line(&format!("mail server: {error}")),
                    is_permanent(&error),
                ),
                Err(_) => ("mail server timed out".to_owned(), false),
            };
        Err(DeliveryError { reason, permanent })
    }

    fn mail(&self, message: Message<'_>) -> Result<Mail, lettre::error::Error> {
        let millis = u64::try_from(message.at.millis()).unwrap_or(0);
        let mut builder = Mail::builder()
            .from(self.from.clone())
            .subject(message.subject)
            .message_id(Some(format!(
                "<{}@{}>",
                message.id,
                self.from.email.domain()
            )))
            .date(UNIX_EPOCH + Duration::from_millis(millis))
            .header(MIME_VERSION_1_0)
            // Prevents automatic answers, such as absence notices (RFC 3834).
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        builder.body(message.body.to_owned())
    }
}

/// Whether a retry in the same night is useless: the server rejected the mail, or it does not offer what the configuration
/// requires, such as STARTTLS or a login.
fn is_permanent(error: &Error) -> bool {
    error.is_permanent() || error.is_client()
}

fn tls(server: &MailServer) -> Result<Tls, Error> {
    let parameters = || TlsParameters::new(server.host.clone());
    Ok(match server.tls_mode {
        TlsMode::Implicit => Tls::Wrapper(parameters()?),
        TlsMode::StartTls => Tls::Required(parameters()?),
        TlsMode::Plaintext => Tls::None,
    })
}
