//! Budget for submissions: audio, money and recordings per run, day and month.
//!
//! Days and months are those of local time. A recording counts as soon as it is claimed, so that concurrent uploads cannot
//! exceed the budget.
//!
//! - `cap`: limits and their periods
//! - `booked_length`: the length for which a recording is charged
//! - `spending`: what is spent, and charges to it

mod booked_length;
mod cap;
mod spending;

pub use booked_length::{BookedLength, longest_s};
pub use cap::{Cap, Metric, Period, period_bounds};
pub use spending::{Amount, Budget, BudgetRefusal, Charge};
