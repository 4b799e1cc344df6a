//! Recordings as a player in a browser needs them: each second that it plays is the second that was transcribed.
//!
//! Browsers seek wrongly in many files. Each is given in the best [`Way`](crate::media::container::delivery::Way) that its
//! container allows:
//!
//! - as it is
//! - [`index`]: behind a `head` with an index, which makes it an MP4; `frame_index` and `frame_scan` list the packets of MP3 and
//!   ADTS
//! - as a copy of its sound track, made by ffmpeg
//! - `decoded_sound`: as a WAV that is decoded on demand; `resampler` converts its sample rate
//!
//! - [`player`]: opens recordings; `made_files`: heads and copies in the state folder
//! - [`playable`]: a recording as a sequence of bytes

mod decoded_sound;
mod frame_index;
mod frame_scan;
mod head;
pub mod index;
mod made_files;
pub mod playable;
pub mod player;
mod resampler;
#[cfg(test)]
mod tests;
