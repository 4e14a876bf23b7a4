//! The one sentence on top of the page, and the state that it is in.

use crate::health::Condition;
use crate::report::board::Board;
use crate::report::words;

/// How bad the news are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// All is well.
    Good,
    /// Something is to be mended, and enough copies are good.
    Doubtful,
    /// Too few copies, or one that serves wrong bytes.
    Bad,
    /// We cannot tell.
    Unknown,
}

impl Mood {
    /// The class in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "g",
            Self::Doubtful => "d",
            Self::Bad => "b",
            Self::Unknown => "n",
        }
    }
}

/// How all mirrors are, in one sentence.
#[must_use]
pub fn banner(board: &Board) -> (Mood, String) {
    let fleet = &board.fleet;
    let (good, all) = (board.good(), board.taking_part());
    let quarantined = fleet.mirrors.iter().any(|mirror| mirror.standing.condition == Condition::Quarantined);
    let Some(release) = &fleet.release else {
        return (Mood::Unknown, "Nothing has been released yet.".to_owned());
    };
    if fleet.observer.round_at.is_none() {
        return (Mood::Unknown, "Nobody has looked at the mirrors yet.".to_owned());
    }
    if !fleet.observer.saw {
        let text = "The last look failed on our side; what is shown here is what we saw before.";
        return (Mood::Unknown, text.to_owned());
    }
    let mirrors = words::counted(all as u64, "mirror", "mirrors");
    let (mood, text) = if good < fleet.wanted {
        (Mood::Bad, format!("Only {good} of {mirrors} serve release {release}; {} are wanted", fleet.wanted))
    } else if good == all {
        let all = if all == 1 { "The one mirror serves".to_owned() } else { format!("All {mirrors} serve") };
        (if quarantined { Mood::Bad } else { Mood::Good }, format!("{all} release {release}"))
    } else {
        (if quarantined { Mood::Bad } else { Mood::Doubtful }, format!("{good} of {mirrors} serve release {release}"))
    };
    let troubles = troubles(board);
    (mood, if troubles.is_empty() { format!("{text}.") } else { format!("{text}: {troubles}.") })
}

/// `1 quarantined, 2 unreachable`: those whose condition readers should know of.
fn troubles(board: &Board) -> String {
    let taking_part = || board.fleet.mirrors.iter().filter(|mirror| mirror.lifecycle.is_listed());
    let told = |condition: Condition| {
        let count = taking_part().filter(|mirror| mirror.standing.condition == condition).count();
        (count > 0).then(|| format!("{count} {condition}"))
    };
    Condition::ALL
        .into_iter()
        .filter(|condition| *condition != Condition::Healthy)
        .filter_map(told)
        .collect::<Vec<_>>()
        .join(", ")
}
