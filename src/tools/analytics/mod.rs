//! Analytics of bars as tools: what is at hand, calculated here, with its source said.
//!
//! | file | the question it answers |
//! |---|---|
//! | `asked` | which bars does a call want, and are there enough |
//! | `answer` | how is a result said: points, source, freshness |
//! | `returns`, `volatility`, `correlation`, `levels`, `indicators` | one tool each |

mod answer;
mod asked;
mod correlation;
mod indicators;
mod levels;
mod returns;
#[cfg(test)]
mod tests;
mod volatility;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tickgate_core::access::Scope;
use tickgate_core::budget::Payer;

use super::arguments;
use super::outcome::ToolFailure;
use super::schema;
use super::tool::{Asks, Tool, ToolRun, Toolset, reads};
use crate::tools::bar_series::BarSeries;
use asked::Wanted;

/// A tool of this room: what it takes, wants and finds.
trait Analysis: DeserializeOwned + JsonSchema + 'static {
    /// One result per symbol, or one in all.
    type Results: Serialize + JsonSchema;
    const NAME: &'static str;
    const TITLE: &'static str;
    const DESCRIPTION: &'static str;

    /// Which bars it wants.
    fn wanted(&self) -> Result<Wanted, ToolFailure>;

    /// What they say; one series per symbol, in the order asked for.
    fn results(&self, series: &[BarSeries]) -> Result<Self::Results, ToolFailure>;
}

/// The tools, in the order of the list.
pub(super) fn tools() -> Vec<Tool> {
    vec![
        tool::<returns::Arguments>(),
        tool::<volatility::Arguments>(),
        tool::<correlation::Arguments>(),
        tool::<levels::Arguments>(),
        tool::<indicators::Arguments>(),
    ]
}

fn tool<A: Analysis>() -> Tool {
    Tool {
        name: A::NAME,
        title: A::TITLE,
        description: A::DESCRIPTION.to_owned(),
        input_schema: schema::of::<A>(),
        output_schema: Some(answer::schema::<A::Results>()),
        scope: Scope::Read,
        toolset: Toolset::Analytics,
        streaming: false,
        hints: reads(true),
        asks: Asks::Callers,
        icons: Vec::new(),
        run: Arc::new(|call| {
            let asked =
                arguments::read::<A>(call.arguments.as_deref()).and_then(|arguments| Ok((arguments.wanted()?, arguments)));
            match asked {
                Err(failure) => ToolRun::Done(Err(failure)),
                Ok((wanted, arguments)) => ToolRun::Running(Box::pin(async move {
                    call.context.window.installed().await;
                    let position = call.context.window.position();
                    let series = wanted
                        .fetch(&call.context, &Payer::Caller(call.caller.principal.clone()), call.link.request_id())
                        .await?;
                    let results = arguments.results(&series)?;
                    Ok(answer::answer(&call.context, position, &wanted, &series, &results))
                })),
            }
        }),
    }
}
