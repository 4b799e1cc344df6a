//! Read-only access to recordings.
//!
//! - [`inspect`]: inspection of a file before it is submitted
//! - [`recording_hash`]: hashes of a file and of its sound; [`payload`]: the encoded sound, without the container
//! - `sniff`: detection of files that are not recordings
//! - `container`: length and defects of the sound, for each family of containers
//! - `frames`: sound that is a sequence of frames, without a container
//! - `id3`: tags before and after such sound
//! - [`sound`]: the sound of a recording
//! - [`ffprobe`]: lengths from ffprobe, for kinds that no container module reads
//! - [`sound_track`]: copies of the sound track of a video, made by ffmpeg
//! - [`playback`]: recordings as a player needs them, with the time line of their transcripts
//! - `sample_table`: the packets of a sound track
//! - `ff_program`: what both programs have in common
//! - `input`: bounded access to the bytes
//! - `search`: search for the first and the last sound
//! - `field`: numbers in headers

mod container;
mod ff_program;
pub mod ffprobe;
mod field;
mod frames;
mod id3;
mod input;
pub mod inspect;
pub mod payload;
pub mod playback;
pub mod recording_hash;
mod sample_table;
mod search;
mod sniff;
pub mod sound;
pub mod sound_track;
