//! A disk of which everything may be lost that was not synced.
//!
//! The model is the strict reading of POSIX. The bytes and the length of a file are durable when an fsync of the file
//! has ended that began after they were written. A name in a folder (made, renamed, removed) is durable when an fsync
//! of the *folder* has ended that began after; an fsync of the file does nothing for its name, one of a folder nothing
//! for the folder's own name. A rename inside a folder is one step. Of everything else any part may be there or not, in any
//! order, file by file, name by name, sector by sector.

use super::image::Image;
use std::collections::BTreeMap;
use std::path::Path;

/// What a disk writes in one piece.
const SECTOR: usize = 512;

/// A file or folder, whatever its names.
pub type Inode = usize;
/// The folder that everything is in.
pub const ROOT: Inode = 0;

#[derive(Debug, Clone)]
enum Write {
    Bytes { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

/// Names of one folder that change in one step.
type Names = Vec<(String, Option<Inode>)>;

#[derive(Debug, Clone)]
enum Content {
    File {
        length: usize,
        synced: Vec<u8>,
        unsynced: Vec<(u64, Write)>,
    },
    Folder {
        names: BTreeMap<String, Inode>,
        synced: BTreeMap<String, Inode>,
        unsynced: Vec<(u64, Names)>,
    },
}

#[derive(Debug, Clone)]
pub struct Disk {
    contents: Vec<Content>,
    changes: u64,
}

impl Disk {
    /// A disk with an empty folder.
    pub fn empty() -> Self {
        Self {
            contents: vec![Content::folder()],
            changes: 0,
        }
    }

    /// The number of changes so far: what a sync that begins now makes durable.
    pub fn now(&self) -> u64 {
        self.changes
    }

    pub fn find(&self, path: &Path) -> Option<Inode> {
        let mut names = path.iter().map(|name| name.to_str().unwrap());
        names.try_fold(ROOT, |folder, name| match &self.contents[folder] {
            Content::Folder { names, .. } => names.get(name).copied(),
            Content::File { .. } => None,
        })
    }

    pub fn make_file(&mut self, path: &Path) -> Inode {
        self.make(path, Content::file())
    }

    pub fn make_folder(&mut self, path: &Path) -> Inode {
        self.make(path, Content::folder())
    }

    fn make(&mut self, path: &Path, content: Content) -> Inode {
        assert!(self.find(path).is_none(), "there: {}", path.display());
        self.contents.push(content);
        let made = self.contents.len() - 1;
        self.rename_all(path, |name| vec![(name, Some(made))]);
        made
    }

    pub fn remove(&mut self, path: &Path) {
        assert!(self.find(path).is_some(), "missing: {}", path.display());
        self.rename_all(path, |name| vec![(name, None)]);
    }

    pub fn rename(&mut self, from: &Path, to: &Path) {
        assert_eq!(from.parent(), to.parent(), "across folders");
        let inode = self.find(from);
        assert!(inode.is_some(), "missing: {}", from.display());
        let from = name_of(from);
        self.rename_all(to, |name| vec![(from, None), (name, inode)]);
    }

    fn rename_all(&mut self, path: &Path, changes: impl FnOnce(String) -> Names) {
        self.changes += 1;
        let folder = self.find(path.parent().unwrap());
        let folder = folder.unwrap_or_else(|| panic!("no folder for {}", path.display()));
        let Content::Folder {
            names, unsynced, ..
        } = &mut self.contents[folder]
        else {
            panic!("in a file: {}", path.display());
        };
        let changes = changes(name_of(path));
        apply(names, &changes);
        unsynced.push((self.changes, changes));
    }

    /// The length of a file.
    pub fn length(&self, inode: Inode) -> usize {
        match &self.contents[inode] {
            Content::File { length, .. } => *length,
            Content::Folder { .. } => panic!("a folder has no length"),
        }
    }

    pub fn write(&mut self, inode: Inode, offset: usize, bytes: Vec<u8>) {
        let length = self.length(inode).max(offset + bytes.len());
        self.change(inode, length, Write::Bytes { offset, bytes });
    }

    pub fn set_length(&mut self, inode: Inode, length: usize) {
        self.change(inode, length, Write::Length(length));
    }

    fn change(&mut self, inode: Inode, new_length: usize, write: Write) {
        self.changes += 1;
        if let Content::File {
            length, unsynced, ..
        } = &mut self.contents[inode]
        {
            *length = new_length;
            unsynced.push((self.changes, write));
        }
    }

    /// A sync ended that began when there were so many changes.
    pub fn sync(&mut self, inode: Inode, began: u64) {
        match &mut self.contents[inode] {
            Content::File {
                synced, unsynced, ..
            } => {
                for (_, write) in unsynced.extract_if(.., |(change, _)| *change <= began) {
                    write_to(synced, &write, &mut || true);
                }
            }
            Content::Folder {
                synced, unsynced, ..
            } => {
                for (_, names) in unsynced.extract_if(.., |(change, _)| *change <= began) {
                    apply(synced, &names);
                }
            }
        }
    }

    /// A sync of everything ended that began when there were so many changes.
    pub fn sync_all(&mut self, began: u64) {
        (0..self.contents.len()).for_each(|inode| self.sync(inode, began));
    }

    /// What is there after a power cut now: all that is synced, and of the rest what `keep` keeps.
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
                apply(&mut names, changes);
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
        for (_, write) in unsynced {
            write_to(&mut bytes, write, keep);
        }
        bytes
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

fn apply(names: &mut BTreeMap<String, Inode>, changes: &Names) {
    for (name, inode) in changes {
        match inode {
            Some(inode) => names.insert(name.clone(), *inode),
            None => names.remove(name),
        };
    }
}

/// Makes those pieces of a write that are kept.
fn write_to(file: &mut Vec<u8>, write: &Write, keep: &mut impl FnMut() -> bool) {
    let (offset, bytes) = match write {
        Write::Length(length) => {
            if keep() {
                file.resize(*length, 0);
            }
            return;
        }
        Write::Bytes { offset, bytes } => (*offset, bytes),
    };
    let mut from = 0;
    while from < bytes.len() {
        let to = bytes.len().min(from + SECTOR - (offset + from) % SECTOR);
        if keep() {
            file.resize(file.len().max(offset + to), 0);
            file[offset + from..offset + to].copy_from_slice(&bytes[from..to]);
        }
        from = to;
    }
}

#[test]
fn a_file_is_durable_with_its_own_sync_and_its_name_with_its_folder_s() {
    let mut disk = Disk::empty();
    let file = disk.make_file(Path::new("x"));
    disk.write(file, 0, b"one".to_vec());
    disk.sync(file, disk.now());
    assert_eq!(disk.cut(|| false), Image::default());
    disk.sync(ROOT, disk.now());
    disk.write(file, 3, b"two".to_vec());
    assert_eq!(disk.cut(|| false).file("x"), Some(&b"one"[..]));
    assert_eq!(disk.cut(|| true).file("x"), Some(&b"onetwo"[..]));
    disk.rename(Path::new("x"), Path::new("y"));
    assert!(disk.cut(|| false).file("x").is_some());
    assert_eq!(disk.cut(|| true).0.len(), 1);
}

#[test]
fn a_sync_covers_only_what_was_there_when_it_began() {
    let mut disk = Disk::empty();
    let file = disk.make_file(Path::new("x"));
    disk.sync(ROOT, disk.now());
    let began = disk.now();
    disk.write(file, 0, b"late".to_vec());
    disk.sync(file, began);
    assert_eq!(disk.cut(|| false).file("x"), Some(&b""[..]));
}

#[test]
fn a_write_is_torn_between_sectors_and_leaves_zeros_where_one_is_missing() {
    let mut disk = Disk::empty();
    let file = disk.make_file(Path::new("x"));
    disk.sync(ROOT, disk.now());
    disk.write(file, 500, vec![1; 600]);
    let mut pieces = [false, true, false].into_iter();
    let torn = disk.cut(|| pieces.next().unwrap());
    let expected = [vec![0; 512], vec![1; 512]].concat();
    assert_eq!(torn.file("x"), Some(&expected[..]));
}
