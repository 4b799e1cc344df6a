//! User of a unit, and the permissions of that user on paths.

use crate::cli::service::target::{passwd, uid, user_by_id};
use crate::service_manager::Scope;
use crate::service_manager::unit_file::Unit;
use crate::service_manager::user::{FileMode, OsUser, TRAVERSE, by_name, group_ids, has_access};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// User that a unit runs as, with its groups.
pub(super) struct UnitUser {
    account: Account,
    groups: Vec<u32>,
}

enum Account {
    /// Dynamic user of systemd. Owns no existing files.
    Dynamic,
    /// User with an entry in `/etc/passwd`.
    Known(OsUser),
    /// User without an entry in `/etc/passwd`. All access is assumed to be allowed.
    Unknown,
}

impl UnitUser {
    pub(super) fn of(scope: Scope, unit: Unit<'_>) -> Self {
        let account = Account::of(scope, unit);
        let known = match &account {
            Account::Known(user) => Some(user),
            Account::Dynamic | Account::Unknown => None,
        };
        let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
        let groups = group_ids(&groups, known, &unit.groups());
        Self { account, groups }
    }

    fn may(&self, mode: FileMode, wanted: u32) -> bool {
        match &self.account {
            Account::Dynamic => has_access(None, &self.groups, mode, wanted),
            Account::Known(user) => has_access(Some(user), &self.groups, mode, wanted),
            Account::Unknown => true,
        }
    }

    /// Returns the first component of `path` that denies the user access.
    ///
    /// The last existing component needs the permissions `wanted`, the others only [`TRAVERSE`]. Missing components deny
    /// nothing. A component with an access control list is assumed to allow access.
    pub(super) fn first_denied<'p>(&self, path: &'p Path, wanted: u32) -> Option<&'p Path> {
        let mut steps: Vec<_> = path.ancestors().collect();
        steps.reverse();
        let last = steps.iter().rposition(|step| step.exists())?;
        steps.truncate(last + 1);
        steps.iter().enumerate().find_map(|(number, step)| {
            let needed = if number == last { wanted } else { TRAVERSE };
            let mode = mode(step)?;
            (!self.may(mode, needed) && !has_access_list(step)).then_some(*step)
        })
    }
}

impl Account {
    fn of(scope: Scope, unit: Unit<'_>) -> Self {
        let named = |name: &str| by_name(&passwd(), name).map_or(Self::Unknown, Self::Known);
        match (scope, unit.value("User")) {
            (Scope::User, _) => Self::Known(user_by_id(uid())),
            (_, Some(name)) => named(name),
            _ if unit.has_dynamic_user() => Self::Dynamic,
            _ => named("root"),
        }
    }
}

/// Whether a file or folder has an access control list, as `setfacl` sets it.
#[cfg(target_os = "linux")]
fn has_access_list(path: &Path) -> bool {
    rustix::fs::getxattr_query(path, "system.posix_acl_access").is_ok_and(|length| length > 0)
}

/// systemd runs on Linux only.
#[cfg(not(target_os = "linux"))]
fn has_access_list(_path: &Path) -> bool {
    false
}

fn mode(path: &Path) -> Option<FileMode> {
    let metadata = path.metadata().ok()?;
    Some(FileMode {
        bits: metadata.mode(),
        uid: metadata.uid(),
        gid: metadata.gid(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service_manager::user::{READ, WRITE};

    const DYNAMIC: UnitUser = UnitUser {
        account: Account::Dynamic,
        groups: Vec::new(),
    };

    #[test]
    fn each_path_component_is_checked() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("closed/inner");
        std::fs::create_dir_all(&inner).unwrap();
        let set = |path: &Path, bits| {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(bits)).unwrap();
        };
        set(root.path(), 0o755);
        set(&inner, 0o755);
        let closed = root.path().join("closed");
        set(&closed, 0o700);
        assert_eq!(DYNAMIC.first_denied(&inner, READ), Some(&*closed));
        set(&closed, 0o711);
        assert_eq!(DYNAMIC.first_denied(&inner, READ | TRAVERSE), None);
        assert_eq!(DYNAMIC.first_denied(&inner, WRITE), Some(&*inner));
        let missing = inner.join("not/there");
        assert_eq!(DYNAMIC.first_denied(&missing, WRITE), Some(&*inner));
        let unknown = UnitUser {
            account: Account::Unknown,
            groups: Vec::new(),
        };
        assert_eq!(unknown.first_denied(&inner, WRITE), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_with_an_access_control_list_is_assumed_to_allow_access() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        assert_eq!(DYNAMIC.first_denied(&inner, WRITE), Some(&*inner));
        // u::rwx,u:990:r-x,g::r-x,m::r-x,o::--- in the form of the kernel: a version, and a tag, bits and an ID for each.
        let entries: [(u16, u16, u32); 5] = [
            (0x01, 7, u32::MAX),
            (0x02, 5, 990),
            (0x04, 5, u32::MAX),
            (0x10, 5, u32::MAX),
            (0x20, 0, u32::MAX),
        ];
        let mut list = 2_u32.to_le_bytes().to_vec();
        for (tag, bits, id) in entries {
            list.extend(tag.to_le_bytes());
            list.extend(bits.to_le_bytes());
            list.extend(id.to_le_bytes());
        }
        let name = "system.posix_acl_access";
        match rustix::fs::setxattr(&inner, name, &list, rustix::fs::XattrFlags::empty()) {
            // This file system has no access control lists.
            Err(rustix::io::Errno::NOTSUP) => return,
            set => set.unwrap(),
        }
        assert_eq!(DYNAMIC.first_denied(&inner, WRITE), None);
    }
}
