//! OS users and their permissions on files and folders.

/// A user from `/etc/passwd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OsUser {
    /// User name, or the user ID in decimal if the name is not known.
    pub name: String,
    /// User ID.
    pub uid: u32,
    /// ID of the primary group. `None` if it is not known.
    pub gid: Option<u32>,
}

/// Returns the user with this ID. `passwd` is the text of `/etc/passwd`.
#[must_use]
pub fn by_uid(passwd: &str, uid: u32) -> OsUser {
    users(passwd)
        .find(|user| user.uid == uid)
        .unwrap_or_else(|| OsUser {
            name: uid.to_string(),
            uid,
            gid: None,
        })
}

/// Returns the user with this name or ID. `passwd` is the text of `/etc/passwd`.
#[must_use]
pub fn by_name(passwd: &str, name: &str) -> Option<OsUser> {
    users(passwd)
        .find(|user| user.name == name)
        .or_else(|| Some(by_uid(passwd, name.parse().ok()?)))
}

fn users(passwd: &str) -> impl Iterator<Item = OsUser> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        Some(OsUser {
            name: fields.next()?.to_owned(),
            uid: fields.nth(1)?.parse().ok()?,
            gid: fields.next()?.parse().ok(),
        })
    })
}

/// Returns the IDs of the groups that have one of these names or IDs, or list `user` as a member. `groups` is the text of
/// `/etc/group`.
#[must_use]
pub fn group_ids(groups: &str, user: Option<&OsUser>, named: &[&str]) -> Vec<u32> {
    let found = groups.lines().filter_map(|line| {
        let fields: Vec<_> = line.split(':').collect();
        let [name, _, id, members] = fields.as_slice() else {
            return None;
        };
        let has_member = user.is_some_and(|user| members.split(',').any(|one| one == user.name));
        (has_member || named.contains(name)).then(|| id.parse().ok())?
    });
    let by_id = named.iter().filter_map(|name| name.parse().ok());
    found.chain(by_id).collect()
}

/// Owner and permissions of a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileMode {
    /// Permission bits.
    pub bits: u32,
    /// User ID of the owner.
    pub uid: u32,
    /// Group ID.
    pub gid: u32,
}

/// Permission to read a file or list a folder.
pub const READ: u32 = 4;
/// Permission to traverse a folder.
pub const TRAVERSE: u32 = 1;
/// Permission to create entries in a folder.
pub const WRITE: u32 = 3;

/// Whether `user`, who also has these `groups`, has the permissions `wanted`. `None` stands for a dynamic user, who owns
/// nothing. Ignores access control lists.
#[must_use]
pub fn has_access(user: Option<&OsUser>, groups: &[u32], mode: FileMode, wanted: u32) -> bool {
    let shift = match user {
        Some(user) if user.uid == 0 => return true,
        Some(user) if user.uid == mode.uid => 6,
        Some(user) if user.gid == Some(mode.gid) => 3,
        _ if groups.contains(&mode.gid) => 3,
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
    fn users_are_found_by_id_and_by_name() {
        let ann = by_uid(PASSWD, 1000);
        assert_eq!((ann.name.as_str(), ann.gid), ("ann", Some(1001)));
        assert_eq!(by_name(PASSWD, "ann"), Some(ann));
        assert_eq!(by_uid(PASSWD, 7).name, "7");
        assert_eq!(by_name(PASSWD, "7").unwrap().uid, 7);
        assert_eq!(by_name(PASSWD, "bob"), None);
    }

    #[test]
    fn groups_are_found_by_member_name_and_id() {
        let groups = "root:x:0:\naudio:x:29:bob,ann\nmedia:x:30:bob\nodd\n";
        let ann = by_uid(PASSWD, 1000);
        assert_eq!(group_ids(groups, Some(&ann), &[]), [29]);
        assert_eq!(
            group_ids(groups, Some(&ann), &["media", "77"]),
            [29, 30, 77]
        );
        assert_eq!(group_ids(groups, None, &["media", "none"]), [30]);
    }

    #[test]
    fn permission_bits_are_chosen_by_owner_group_and_others() {
        let ann = by_uid(PASSWD, 1000);
        let mode = |bits, uid, gid| FileMode { bits, uid, gid };
        let read = READ | TRAVERSE;
        assert!(has_access(Some(&ann), &[], mode(0o700, 1000, 0), WRITE));
        assert!(!has_access(Some(&ann), &[], mode(0o077, 1000, 1001), READ));
        assert!(has_access(Some(&ann), &[], mode(0o050, 0, 1001), read));
        assert!(!has_access(Some(&ann), &[], mode(0o050, 0, 30), read));
        assert!(has_access(Some(&ann), &[30], mode(0o050, 0, 30), read));
        assert!(!has_access(None, &[], mode(0o750, 0, 0), TRAVERSE));
        assert!(has_access(None, &[30], mode(0o750, 0, 30), TRAVERSE));
        assert!(has_access(None, &[], mode(0o711, 0, 0), TRAVERSE));
        assert!(!has_access(None, &[], mode(0o711, 0, 0), READ));
        let root = by_uid(PASSWD, 0);
        assert!(has_access(Some(&root), &[], mode(0, 5, 5), WRITE));
    }
}
