//! Values of options whose own parsers do not say what they expect.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// Parses a number of items.
pub(super) fn count<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| "expected a whole number, as in 20".to_owned())
}

/// Parses a duration.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "expected a duration with its unit, as in 8h, 90s or \"1h 30m\"".to_owned())
}

/// Parses an address with a port.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "expected an IP address and a port, as in 127.0.0.1:7878".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_what_is_expected() {
        assert_eq!(count::<usize>("20"), Ok(20));
        assert!(count::<usize>("-1").is_err_and(|error| error.contains("as in 20")));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5400)));
        assert!(duration("8").is_err_and(|error| error.contains("8h")));
        assert!(address("127.0.0.1:1").is_ok());
        assert!(address("8080").is_err_and(|error| error.contains("127.0.0.1:7878")));
    }
}
