//! Users, and what a file or folder lets them do.

/// A user as `/etc/passwd` has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name; the number where none is known.
    pub name: String,
    /// The user's number.
    pub uid: u32,
    /// The number of the user's own group.
    pub gid: Option<u32>,
}

/// The user of a number, in the text of `/etc/passwd`.
#[must_use]
pub fn of_number(passwd: &str, uid: u32) -> Account {
    accounts(passwd)
        .find(|account| account.uid == uid)
        .unwrap_or_else(|| Account {
            name: uid.to_string(),
            uid,
            gid: None,
        })
}

/// The user of a name or number, in the text of `/etc/passwd`.
#[must_use]
pub fn of_name(passwd: &str, name: &str) -> Option<Account> {
    accounts(passwd)
        .find(|account| account.name == name)
        .or_else(|| Some(of_number(passwd, name.parse().ok()?)))
}

fn accounts(passwd: &str) -> impl Iterator<Item = Account> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        Some(Account {
            name: fields.next()?.to_owned(),
            uid: fields.nth(1)?.parse().ok()?,
            gid: fields.next()?.parse().ok(),
        })
    })
}

/// Who owns a file or folder, and what they let others do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// The bits.
    pub bits: u32,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
}

/// To read a file, or list a folder.
pub const READ: u32 = 4;
/// To go through a folder.
pub const ENTER: u32 = 1;
/// To put something into a folder.
pub const WRITE: u32 = 3;

/// Whether `who` may do what `wanted` says; `None` is a user who owns nothing. Groups beside the user's own are not
/// looked at, nor are access control lists.
#[must_use]
pub fn may(who: Option<&Account>, mode: Mode, wanted: u32) -> bool {
    let shift = match who {
        Some(account) if account.uid == 0 => return true,
        Some(account) if account.uid == mode.uid => 6,
        Some(account) if account.gid == Some(mode.gid) => 3,
        _ => 0,
    };
    mode.bits >> shift & wanted == wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/sh\n\nann:x:1000:1001::/home/ann:/bin/sh\nodd\n";

    #[test]
    fn users_are_found_by_number_and_by_name() {
        let ann = of_number(PASSWD, 1000);
        assert_eq!((ann.name.as_str(), ann.gid), ("ann", Some(1001)));
        assert_eq!(of_name(PASSWD, "ann"), Some(ann));
        assert_eq!(of_number(PASSWD, 7).name, "7");
        assert_eq!(of_name(PASSWD, "7").unwrap().uid, 7);
        assert_eq!(of_name(PASSWD, "bob"), None);
    }

    #[test]
    fn the_owner_goes_by_the_owner_s_bits_and_a_user_made_for_the_service_by_those_of_others() {
        let ann = of_number(PASSWD, 1000);
        let mode = |bits, uid, gid| Mode { bits, uid, gid };
        assert!(may(Some(&ann), mode(0o700, 1000, 0), WRITE));
        assert!(!may(Some(&ann), mode(0o077, 1000, 1001), READ));
        assert!(may(Some(&ann), mode(0o050, 0, 1001), READ | ENTER));
        assert!(!may(None, mode(0o750, 0, 0), ENTER));
        assert!(may(None, mode(0o711, 0, 0), ENTER));
        assert!(!may(None, mode(0o711, 0, 0), READ));
        assert!(may(Some(&of_number(PASSWD, 0)), mode(0, 5, 5), WRITE));
    }
}
