//! Headers of the service's own.

use crate::domain::GenerationId;
use crate::provider::http::exchange::HttpResponse;

/// Returns the generation that a response belongs to. Present even if the body has none.
pub(crate) fn generation(response: &HttpResponse) -> Option<GenerationId> {
    GenerationId::new(response.header("x-inference-id")?)
}

/// Returns the exact price of a call in US dollars. `None` if nothing was charged.
pub(crate) fn usd_spent(response: &HttpResponse) -> Option<f64> {
    let spent = response.header("x-aimlapi-usd-spent")?;
    let usd: f64 = spent.trim().parse().ok()?;
    (usd.is_finite() && usd > 0.0).then_some(usd)
}
