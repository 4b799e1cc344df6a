//! The head of a recording, by one pass over it.

use super::frame_index::{adts, mp3};
use super::head::head;
use crate::media::container::delivery::{IndexedSound, Way, ways};
use crate::media::container::mp4::fragment_table;
use crate::media::input::Input;
use std::io::{self, Read, Seek};

/// Returns the head that makes an MP4 of a file of `len` bytes, if its kind needs one. `extension` is in lower case. Returns
/// `None` if its packets cannot be listed or last no time, or if its parts have different parameters. Blocks.
///
/// # Errors
/// If the file cannot be read, or has too many packets.
pub fn head_of(
    source: &mut (impl Read + Seek),
    len: u64,
    extension: Option<&str>,
) -> io::Result<Option<Vec<u8>>> {
    let ways = ways(&mut Input::new(source, len), extension)?;
    let Some(Way::Indexed(sound)) = ways.first() else {
        return Ok(None);
    };
    let table = match sound {
        IndexedSound::Mp3 => mp3(source, len)?,
        IndexedSound::Adts => adts(source, len)?,
        IndexedSound::Fragments => fragment_table(&mut Input::unbounded(source, len))?,
    };
    // Players treat a track that lasts no time as none.
    let table = table.filter(|table| table.played() > 0);
    Ok(table.map(|table| head(&table, len)))
}
