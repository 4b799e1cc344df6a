//! A disk that may lose every write that was not synced.
//!
//! The model follows POSIX strictly:
//!
//! - The bytes and the length of a file are durable after an fsync of the file that started after the write.
//! - A change of a name (create, rename, remove) is durable after an fsync of its folder that started after the change. An
//!   fsync of a file does not sync its name, and an fsync of a folder does not sync its own name.
//! - A rename within a folder is atomic.
//! - Any subset of the other writes may survive, in any order: per file, per name and per sector.

use super::image::Image;
use std::collections::BTreeMap;
use std::path::Path;

/// Unit that a disk writes atomically, in bytes.
const SECTOR: usize = 512;

/// Index of a file or folder, independent of its names.
pub type Inode = usize;
/// Root folder.
pub const ROOT: Inode = 0;

#[derive(Debug, Clone)]
enum FileChange {
    Bytes { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

/// Atomic change of names in one folder. `None` removes the name.
type NameChange = Vec<(String, Option<Inode>)>;

#[derive(Debug, Clone)]
enum Content {
    File {
        length: usize,
        synced: Vec<u8>,
        unsynced: Vec<(u64, FileChange)>,
    },
    Folder {
        names: BTreeMap<String, Inode>,
        synced: BTreeMap<String, Inode>,
        unsynced: Vec<(u64, NameChange)>,
    },
}

/// A simulated disk.
#[derive(Debug, Clone)]
pub struct Disk {
    contents: Vec<Content>,
    change_count: u64,
}

impl Disk {
    /// Creates a disk with only the root folder.
    pub fn empty() -> Self {
        Self {
            contents: vec![Content::folder()],
            change_count: 0,
        }
    }

    /// Returns the number of changes so far. A sync that starts now covers exactly these.
    pub fn change_count(&self) -> u64 {
        self.change_count
    }

    /// Returns the file or folder at a path.
    pub fn find(&self, path: &Path) -> Option<Inode> {
        let mut names = path.iter().map(|name| name.to_str().unwrap());
        names.try_fold(ROOT, |folder, name| match &self.contents[folder] {
            Content::Folder { names, .. } => names.get(name).copied(),
            Content::File { .. } => None,
        })
    }

    /// Creates an empty file.
    pub fn create_file(&mut self, path: &Path) -> Inode {
        self.create(path, Content::file())
    }

    /// Creates an empty folder.
    pub fn create_folder(&mut self, path: &Path) -> Inode {
        self.create(path, Content::folder())
    }

    fn create(&mut self, path: &Path, content: Content) -> Inode {
        assert!(
            self.find(path).is_none(),
            "already exists: {}",
            path.display()
        );
        self.contents.push(content);
        let inode = self.contents.len() - 1;
        self.change_names(path, |name| vec![(name, Some(inode))]);
        inode
    }

    /// Removes a name.
    pub fn remove(&mut self, path: &Path) {
        assert!(self.find(path).is_some(), "missing: {}", path.display());
        self.change_names(path, |name| vec![(name, None)]);
    }

    /// Renames within a folder.
    pub fn rename(&mut self, from: &Path, to: &Path) {
        assert_eq!(from.parent(), to.parent(), "across folders");
        let inode = self.find(from);
        assert!(inode.is_some(), "missing: {}", from.display());
        let from = name_of(from);
        self.change_names(to, |name| vec![(from, None), (name, inode)]);
    }

    fn change_names(&mut self, path: &Path, changes: impl FnOnce(String) -> NameChange) {
        self.change_count += 1;
        let folder = self.find(path.parent().unwrap());
        let folder = folder.unwrap_or_else(|| panic!("no folder for {}", path.display()));
        let Content::Folder {
            names, unsynced, ..
        } = &mut self.contents[folder]
        else {
            panic!("the parent is not a folder: {}", path.display());
        };
        let changes = changes(name_of(path));
        apply_to_names(names, &changes);
        unsynced.push((self.change_count, changes));
    }

    /// Returns the length of a file, in bytes.
    pub fn length(&self, inode: Inode) -> usize {
        match &self.contents[inode] {
            Content::File { length, .. } => *length,
            Content::Folder { .. } => panic!("a folder has no length"),
        }
    }

    /// Writes bytes at an offset.
    pub fn write(&mut self, inode: Inode, offset: usize, bytes: Vec<u8>) {
        let length = self.length(inode).max(offset + bytes.len());
        self.change_file(inode, length, FileChange::Bytes { offset, bytes });
    }

    /// Truncates or extends a file.
    pub fn set_length(&mut self, inode: Inode, length: usize) {
        self.change_file(inode, length, FileChange::Length(length));
    }

    fn change_file(&mut self, inode: Inode, new_length: usize, change: FileChange) {
        self.change_count += 1;
        if let Content::File {
            length, unsynced, ..
        } = &mut self.contents[inode]
        {
            *length = new_length;
            unsynced.push((self.change_count, change));
        }
    }

    /// Completes a sync of one file or folder. It covers the first `change_count` changes.
    pub fn sync(&mut self, inode: Inode, change_count: u64) {
        match &mut self.contents[inode] {
            Content::File {
                synced, unsynced, ..
            } => {
                for (_, change) in unsynced.extract_if(.., |(number, _)| *number <= change_count) {
                    apply_to_file(synced, &change, &mut || true);
                }
            }
            Content::Folder {
                synced, unsynced, ..
            } => {
                for (_, change) in unsynced.extract_if(.., |(number, _)| *number <= change_count) {
                    apply_to_names(synced, &change);
                }
            }
        }
    }

    /// Completes a sync of the whole disk. It covers the first `change_count` changes.
    pub fn sync_all(&mut self, change_count: u64) {
        (0..self.contents.len()).for_each(|inode| self.sync(inode, change_count));
    }

    /// Returns the content after a power cut: all synced changes, and the other changes for which `keep` returns true.
    pub fn cut(&self, mut keep: impl FnMut() -> bool) -> Image {
        let mut image = Image::default();
        self.cut_folder(ROOT, Path::new(""), &mut keep, &mut image);
        image
    }

    fn cut_folder(
        &self,
        folder: Inode,
        path: &Path,
        keep: &mut impl FnMut() -> bool,
        image: &mut Image,
    ) {
        for (name, inode) in self.contents[folder].cut_names(keep) {
            let path = path.join(name);
            match &self.contents[inode] {
                Content::File { .. } => {
                    let bytes = self.contents[inode].cut_bytes(keep);
                    image.0.insert(path, Some(bytes));
                }
                Content::Folder { .. } => {
                    image.0.insert(path.clone(), None);
                    self.cut_folder(inode, &path, keep, image);
                }
            }
        }
    }
}

impl Content {
    fn file() -> Self {
        Self::File {
            length: 0,
            synced: Vec::new(),
            unsynced: Vec::new(),
        }
    }

    fn folder() -> Self {
        Self::Folder {
            names: BTreeMap::new(),
            synced: BTreeMap::new(),
            unsynced: Vec::new(),
        }
    }

    fn cut_names(&self, keep: &mut impl FnMut() -> bool) -> BTreeMap<String, Inode> {
        let Self::Folder {
            synced, unsynced, ..
        } = self
        else {
            return BTreeMap::new();
        };
        let mut names = synced.clone();
        for (_, changes) in unsynced {
            if keep() {
                apply_to_names(&mut names, changes);
            }
        }
        names
    }

    fn cut_bytes(&self, keep: &mut impl FnMut() -> bool) -> Vec<u8> {
        let Self::File {
            synced, unsynced, ..
        } = self
        else {
            return Vec::new();
        };
        let mut bytes = synced.clone();
        for (_, change) in unsynced {
            apply_to_file(&mut bytes, change, keep);
        }
        bytes
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

fn apply_to_names(names: &mut BTreeMap<String, Inode>, changes: &NameChange) {
    for (name, inode) in changes {
        match inode {
            Some(inode) => names.insert(name.clone(), *inode),
            None => names.remove(name),
        };
    }
}

/// Applies the sectors of a change for which `keep` returns true.
fn apply_to_file(file: &mut Vec<u8>, change: &FileChange, keep: &mut impl FnMut() -> bool) {
    let (offset, bytes) = match change {
        FileChange::Length(length) => {
            if keep() {
                file.resize(*length, 0);
            }
            return;
        }
        FileChange::Bytes { offset, bytes } => (*offset, bytes),
    };
    let mut start = 0;
    while start < bytes.len() {
        let end = bytes.len().min(start + SECTOR - (offset + start) % SECTOR);
        if keep() {
            file.resize(file.len().max(offset + end), 0);
            file[offset + start..offset + end].copy_from_slice(&bytes[start..end]);
        }
        start = end;
    }
}

#[test]
fn a_name_is_durable_after_a_sync_of_its_folder() {
    let mut disk = Disk::empty();
    let file = disk.create_file(Path::new("x"));
    disk.write(file, 0, b"one".to_vec());
    disk.sync(file, disk.change_count());
    assert_eq!(disk.cut(|| false), Image::default());
    disk.sync(ROOT, disk.change_count());
    disk.write(file, 3, b"two".to_vec());
    assert_eq!(disk.cut(|| false).file("x"), Some(&b"one"[..]));
    assert_eq!(disk.cut(|| true).file("x"), Some(&b"onetwo"[..]));
    disk.rename(Path::new("x"), Path::new("y"));
    assert!(disk.cut(|| false).file("x").is_some());
    assert_eq!(disk.cut(|| true).0.len(), 1);
}

#[test]
fn a_sync_covers_only_writes_before_its_start() {
    let mut disk = Disk::empty();
    let file = disk.create_file(Path::new("x"));
    disk.sync(ROOT, disk.change_count());
    let at_start = disk.change_count();
    disk.write(file, 0, b"late".to_vec());
    disk.sync(file, at_start);
    assert_eq!(disk.cut(|| false).file("x"), Some(&b""[..]));
}

#[test]
fn a_torn_write_leaves_zeros_in_missing_sectors() {
    let mut disk = Disk::empty();
    let file = disk.create_file(Path::new("x"));
    disk.sync(ROOT, disk.change_count());
    disk.write(file, 500, vec![1; 600]);
    let mut sectors = [false, true, false].into_iter();
    let torn = disk.cut(|| sectors.next().unwrap());
    let expected = [vec![0; 512], vec![1; 512]].concat();
    assert_eq!(torn.file("x"), Some(&expected[..]));
}
