//! What the vendor's plans allow (polygon.md §4.4).

use std::str::FromStr;

/// Calls a minute of the free plan.
const FREE_PER_MINUTE: u32 = 5;

/// Paid plans have no limit, but the vendor asks to stay under 100 calls a second: 90 a second, because a tenth of a second's worth
/// may go at once.
const PAID_PER_MINUTE: u32 = 5_400;

/// What was bought from the vendor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Plan {
    /// End-of-day data, 5 calls a minute, no snapshots.
    Free,
    /// Snapshots, 15 minutes late.
    Starter,
    /// The same with trades.
    Developer,
    /// Real time.
    Advanced,
}

impl Plan {
    /// The name in settings and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Starter => "starter",
            Self::Developer => "developer",
            Self::Advanced => "advanced",
        }
    }

    /// How many calls a minute may be made.
    #[must_use]
    pub const fn per_minute(self) -> u32 {
        match self {
            Self::Free => FREE_PER_MINUTE,
            Self::Starter | Self::Developer | Self::Advanced => PAID_PER_MINUTE,
        }
    }

    /// Whether prices come late.
    #[must_use]
    pub const fn delayed(self) -> bool {
        !matches!(self, Self::Advanced)
    }

    /// Whether the present state of many symbols can be had in one call.
    #[must_use]
    pub const fn has_snapshots(self) -> bool {
        !matches!(self, Self::Free)
    }
}

/// A text that names no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a plan: use free, starter, developer or advanced")]
pub struct PlanError(String);

impl FromStr for Plan {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        match text {
            "free" => Ok(Self::Free),
            "starter" => Ok(Self::Starter),
            "developer" => Ok(Self::Developer),
            "advanced" => Ok(Self::Advanced),
            other => Err(PlanError(other.chars().take(32).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_from_its_name_and_a_wrong_name_is_told_the_right_ones() {
        for (name, plan) in
            [("free", Plan::Free), ("starter", Plan::Starter), ("developer", Plan::Developer), ("advanced", Plan::Advanced)]
        {
            assert_eq!((name.parse(), plan.as_str()), (Ok(plan), name));
        }
        let error = "gold".parse::<Plan>().unwrap_err().to_string();
        assert_eq!(error, "\"gold\" is not a plan: use free, starter, developer or advanced");
    }

    #[test]
    fn only_the_free_plan_lacks_snapshots_and_only_the_largest_is_in_real_time() {
        let plans = [Plan::Free, Plan::Starter, Plan::Developer, Plan::Advanced];
        assert_eq!(plans.map(Plan::has_snapshots), [false, true, true, true]);
        assert_eq!(plans.map(Plan::delayed), [true, true, true, false]);
        assert_eq!(plans.map(Plan::per_minute), [5, 5_400, 5_400, 5_400]);
    }
}
