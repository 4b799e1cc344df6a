//! ZIP archives of small files in memory (APPNOTE 6.3.3), without encryption, times or comments.

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use std::io::Write;

const LOCAL_HEADER: u32 = 0x0403_4b50;
const CENTRAL_HEADER: u32 = 0x0201_4b50;
const END_OF_DIRECTORY: u32 = 0x0605_4b50;
/// Version 2.0 of the format, which added compression by deflate.
const VERSION: u16 = 20;
/// Flag for names in UTF-8.
const UTF_8: u16 = 1 << 11;
const DEFLATE: u16 = 8;
/// Time and date of each file: midnight of 1980-01-01, the earliest possible.
const NO_TIME: [u8; 4] = [0, 0, 0x21, 0];

/// Returns an archive of files, given by name and content. Equal files give equal bytes.
pub(super) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for (name, content) in files {
        let offset = archive.len() as u32;
        let deflated = deflate(content);
        let facts = facts(name, content, &deflated);
        archive.extend(LOCAL_HEADER.to_le_bytes());
        archive.extend(&facts);
        archive.extend(name.as_bytes());
        archive.extend(&deflated);
        directory.extend(CENTRAL_HEADER.to_le_bytes());
        directory.extend(VERSION.to_le_bytes());
        directory.extend(&facts);
        // Length of the comment, number of the disk, and attributes.
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let offset = archive.len() as u32;
    let size = directory.len() as u32;
    archive.append(&mut directory);
    archive.extend(END_OF_DIRECTORY.to_le_bytes());
    archive.extend([0; 4]);
    archive.extend((files.len() as u16).to_le_bytes());
    archive.extend((files.len() as u16).to_le_bytes());
    archive.extend(size.to_le_bytes());
    archive.extend(offset.to_le_bytes());
    archive.extend([0; 2]);
    archive
}

/// Returns the fields that a local header and the directory have in common.
fn facts(name: &str, content: &[u8], deflated: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(content);
    let mut facts = Vec::new();
    for number in [VERSION, UTF_8, DEFLATE] {
        facts.extend(number.to_le_bytes());
    }
    facts.extend(NO_TIME);
    for number in [crc.sum(), deflated.len() as u32, content.len() as u32] {
        facts.extend(number.to_le_bytes());
    }
    facts.extend((name.len() as u16).to_le_bytes());
    // Length of the extra field.
    facts.extend([0; 2]);
    facts
}

fn deflate(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(content);
    written
        .and_then(|()| encoder.finish())
        .expect("a vector takes all bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn the_directory_lists_each_file_with_its_place() {
        let archive = zip(&[("a/b.xml", b"<x/>"), ("c.xml", b"<y/>")]);
        let number = |at: usize| u32::from_le_bytes(archive[at..at + 4].try_into().unwrap());
        let end = archive.len() - 22;
        assert_eq!(number(end), END_OF_DIRECTORY);
        let directory = number(end + 16) as usize;
        assert_eq!(directory + number(end + 12) as usize, end);
        assert_eq!(number(directory), CENTRAL_HEADER);
        let second = directory + 46 + "a/b.xml".len();
        assert_eq!(number(second), CENTRAL_HEADER);
        let local = number(second + 42) as usize;
        assert_eq!(number(local), LOCAL_HEADER);
        let name = local + 30;
        assert_eq!(&archive[name..name + 5], b"c.xml");
        let size = number(local + 18) as usize;
        let mut text = String::new();
        let content = &archive[name + 5..name + 5 + size];
        flate2::read::DeflateDecoder::new(content)
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "<y/>");
    }
}
