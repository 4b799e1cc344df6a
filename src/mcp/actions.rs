//! The tools `retry`, `cancel`, `pause` and `resume`.

use super::tools::{Answer, Refused, Tools, output_schema};
use crate::app::actions::cancel::Cancelled;
use crate::app::actions::pause::{PauseResult, ResumeResult, resume, source_holds};
use crate::app::actions::requests::{CancelRequest, PauseRequest, RetryRequest};
use crate::app::actions::retry::Requeued;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::{tool, tool_router};

#[tool_router(router = action_tools, vis = "pub(super)")]
impl Tools {
    #[tool(
        description = "Requeue failed, cancelled or excluded items. Their next submissions are charged. One of `ids`, `failed`, \
            `error` and `source` is required.",
        output_schema = output_schema(include_str!("../../docs/json/retry.json")),
        annotations(read_only_hint = false, destructive_hint = false, open_world_hint = true)
    )]
    async fn retry(
        &self,
        Parameters(request): Parameters<RetryRequest>,
    ) -> Result<Answer<Requeued>, Refused> {
        Ok(Answer(request.perform(&self.session).await?))
    }

    #[tool(
        description = "Cancel queued, pending or excluded items. The service may still charge for pending ones.",
        output_schema = output_schema(include_str!("../../docs/json/cancel.json")),
        annotations(read_only_hint = false, destructive_hint = true, open_world_hint = false)
    )]
    async fn cancel(
        &self,
        Parameters(request): Parameters<CancelRequest>,
    ) -> Result<Answer<Cancelled>, Refused> {
        Ok(Answer(request.perform(&self.session).await?))
    }

    #[tool(
        description = "Pause submissions. Pending items are still collected.",
        output_schema = output_schema(include_str!("../../docs/json/pause.json")),
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn pause(
        &self,
        Parameters(request): Parameters<PauseRequest>,
    ) -> Result<Answer<PauseResult>, Refused> {
        Ok(Answer(request.perform(&self.session).await?))
    }

    // The approval of recordings that look paid already is left to the user.
    #[tool(
        description = "Resume submissions after a pause. Sources whose recordings look paid already stay held until the user \
            runs `nightscribe resume --submit-anyway`.",
        output_schema = output_schema(include_str!("../../docs/json/resume.json")),
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = true
        )
    )]
    async fn resume(&self) -> Result<Answer<ResumeResult>, Refused> {
        Ok(Answer(ResumeResult {
            is_resumed: resume(&self.session).await?,
            approved: Vec::new(),
            still_held: source_holds(&self.session).await?,
        }))
    }
}
