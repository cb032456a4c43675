//! Who is on a page of all people? The newest first.
//!
//! All are read for each page: an admin looks now and then, and a hundred thousand people are some tens of megabytes for a moment.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use tickgate_core::identity::{Role, User, UserId};
use tickgate_core::time::Millis;

use super::{PeopleError, PeopleService};

/// Which people are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeopleWanted {
    /// Only those of this role.
    pub role: Option<Role>,
    /// Those after this place of the list.
    pub after: Option<Place>,
    /// At most so many.
    pub limit: usize,
}

/// Some of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeoplePage {
    /// The newest first.
    pub users: Vec<User>,
    /// After which place it goes on; `None` at the end.
    pub next: Option<Place>,
}

/// A place in the list. It outlives whoever stood there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    created: Millis,
    id: UserId,
}

/// The text names no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be what `next` said")]
pub struct PlaceError;

impl Place {
    const fn of(user: &User) -> Self {
        Self { created: user.created, id: user.id }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.created.0, self.id)
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let (created, id) = text.split_once('-').ok_or(PlaceError)?;
        let place = Self { created: Millis(created.parse().map_err(|_| PlaceError)?), id: id.parse().map_err(|_| PlaceError)? };
        if place.to_string() == text { Ok(place) } else { Err(PlaceError) }
    }
}

impl PeopleService {
    /// A page of people, disabled ones too; the newest first.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn list(&self, wanted: &PeopleWanted) -> Result<PeoplePage, PeopleError> {
        let mut users = self.all().await?;
        users.retain(|user| {
            wanted.role.is_none_or(|role| role == user.role) && wanted.after.is_none_or(|after| Place::of(user) < after)
        });
        users.sort_unstable_by_key(|user| Reverse(Place::of(user)));
        let more = users.len() > wanted.limit;
        users.truncate(wanted.limit);
        let next = users.last().filter(|_| more).map(Place::of);
        Ok(PeoplePage { users, next })
    }

    /// Everybody with this address, without regard to case. It may be several: an address is no identity.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn with_email(&self, email: &str) -> Result<Vec<User>, PeopleError> {
        let mut users = self.all().await?;
        users.retain(|user| user.email.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(email)));
        Ok(users)
    }
}
