//! The picture of the last day, as bars.

use crate::app::timeline::Timeline;

/// Height of a picture, in its own units.
const HEIGHT: u64 = 100;
/// Width of a slot.
const SLOT: u64 = 10;

/// A bar of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bar {
    /// Class of the stylesheet, which gives the colour.
    pub(super) class: &'static str,
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) width: u64,
    pub(super) height: u64,
}

/// A picture of bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) width: u64,
    pub(super) height: u64,
    pub(super) bars: Vec<Bar>,
    /// Number at the top of the picture.
    pub(super) top: u64,
}

/// Numbers of the whole day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct DayTotals {
    pub(super) submitted: u64,
    pub(super) saved: u64,
    pub(super) failed: u64,
}

/// Returns the numbers of the whole day.
pub(super) fn totals(timeline: &Timeline) -> DayTotals {
    timeline
        .slots
        .iter()
        .fold(DayTotals::default(), |all, slot| DayTotals {
            submitted: all.submitted + slot.submitted,
            saved: all.saved + slot.saved,
            failed: all.failed + slot.failed,
        })
}

/// Returns the picture of the last day: three bars for each slot.
pub(super) fn day(timeline: &Timeline) -> Picture {
    let counts = timeline.slots.iter().map(|slot| {
        [
            ("submitted", slot.submitted),
            ("saved", slot.saved),
            ("failed", slot.failed),
        ]
    });
    picture(&counts.collect::<Vec<_>>())
}

/// Returns the picture of the pending items by their expiry: one bar for each part of the retention.
pub(super) fn expiring(timeline: &Timeline) -> Picture {
    let counts = timeline.expiring.iter().map(|count| [("pending", *count)]);
    picture(&counts.collect::<Vec<_>>())
}

fn picture<const N: usize>(slots: &[[(&'static str, u64); N]]) -> Picture {
    let counts = slots.iter().flatten().map(|(_, count)| *count);
    let top = counts.max().unwrap_or(0);
    let width = (SLOT - 1) / N as u64;
    let mut bars = Vec::new();
    for (slot, bars_of_slot) in (0..).zip(slots) {
        for (number, (class, count)) in (0..).zip(bars_of_slot) {
            // Something that happened is visible, however small it is beside the rest.
            let height = (count * HEIGHT).div_ceil(top.max(1));
            if height > 0 {
                bars.push(Bar {
                    class,
                    x: slot * SLOT + number * width,
                    y: HEIGHT - height,
                    width,
                    height,
                });
            }
        }
    }
    Picture {
        width: slots.len() as u64 * SLOT,
        height: HEIGHT,
        bars,
        top,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_number_fills_the_height_and_one_is_visible() {
        let slots = [
            [("saved", 0), ("failed", 1)],
            [("saved", 1000), ("failed", 0)],
        ];
        let picture = picture(&slots);
        let bar = |class, x, y, height| Bar {
            class,
            x,
            y,
            width: 4,
            height,
        };
        assert_eq!(
            picture.bars,
            [bar("failed", 4, 99, 1), bar("saved", 10, 0, 100)]
        );
        assert_eq!((picture.width, picture.top), (20, 1000));
    }
}
