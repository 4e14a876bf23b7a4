//! Ninety days as ninety bars: height and colour tell the same, so that neither eye nor printer has to see colours.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped};

use crate::health::Condition;
use crate::history::Day;

/// A day counts as good from this share of good looks on: one look in a hundred may get lost on the way.
const GOOD: f64 = 0.99;
/// Below this share a day was lost.
const BAD: f64 = 0.5;

/// What sort of day it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Good,
    Partly,
    Bad,
    NoData,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Good, Self::Partly, Self::Bad, Self::NoData];

    pub(super) fn of(day: &Day) -> Self {
        let measured = f64::from(day.up) + f64::from(day.down);
        match f64::from(day.up) / measured {
            // Of no looks at all the share is not a number.
            share if share.is_nan() => Self::NoData,
            share if share >= GOOD => Self::Good,
            share if share >= BAD => Self::Partly,
            _ => Self::Bad,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Good => "g",
            Self::Partly => "d",
            Self::Bad => "b",
            Self::NoData => "n",
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Partly => "partly good",
            Self::Bad => "bad",
            Self::NoData => "no data",
        }
    }

    /// Where a bar begins and how high it is, of 20.
    fn bar(self) -> (u32, u32) {
        match self {
            Self::Good => (0, 20),
            Self::Partly => (6, 14),
            Self::Bad => (13, 7),
            Self::NoData => (18, 2),
        }
    }
}

/// `87 good, 2 partly good, 1 no data`: of ninety days.
pub(super) fn summary(days: &[Day]) -> String {
    let count = |which: Kind| days.iter().filter(|day| Kind::of(day) == which).count();
    let told = Kind::ALL.into_iter().filter(|kind| count(*kind) > 0).map(|kind| format!("{} {}", count(kind), kind.words()));
    told.collect::<Vec<_>>().join(", ")
}

/// Small and without a title for every day, for a table of many: one path for each kind of day.
pub(super) fn small(days: &[Day]) -> Markup {
    let width = days.len() * 3;
    let mut text = format!("<svg class=\"y\" viewBox=\"0 0 {width} 20\" role=\"img\"><title>{}</title>", summary(days));
    for kind in Kind::ALL {
        let (top, height) = kind.bar();
        let path = runs(days, kind, top + height / 2);
        if !path.is_empty() {
            // Each run of equal days is one dashed line, two wide and one apart: a bar for every day in a few bytes.
            let _ = write!(text, "<path class=\"{}\" stroke-width=\"{height}\" d=\"{path}\"/>", kind.class());
        }
    }
    PreEscaped(text + "</svg>")
}

/// A line at `y` for each run of days of this kind.
fn runs(days: &[Day], kind: Kind, y: u32) -> String {
    let (mut path, mut index) = (String::new(), 0);
    while index < days.len() {
        let length = days[index..].iter().take_while(|day| Kind::of(day) == kind).count();
        if length > 0 {
            let _ = write!(path, "M{} {y}h{}", index * 3, length * 3 - 1);
        }
        index += length.max(1);
    }
    path
}

/// Large, and every day says what was measured.
pub(super) fn large(days: &[Day]) -> Markup {
    let mut text = format!(
        "<svg class=\"bars\" viewBox=\"0 0 {} 60\" role=\"img\" preserveAspectRatio=\"none\"><title>{}</title>",
        days.len() * 8,
        summary(days)
    );
    for (index, day) in days.iter().enumerate() {
        let kind = Kind::of(day);
        let (top, height) = kind.bar();
        let _ = write!(
            text,
            "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"7\" height=\"{}\" rx=\"1\"><title>{}</title></rect>",
            kind.class(),
            index * 8,
            top * 3,
            height * 3,
            told(day)
        );
    }
    PreEscaped(text + "</svg>")
}

/// `2026-03-01: partly good, 280 of 288 looks, at worst unreachable`.
pub(super) fn told(day: &Day) -> String {
    let (date, kind) = (day.date, Kind::of(day));
    let worst = day.worst.filter(|worst| *worst != Condition::Healthy).map(|worst| format!(", at worst {worst}"));
    if kind == Kind::NoData {
        return format!("{date}: no data");
    }
    format!("{date}: {}, {} of {} looks{}", kind.words(), day.up, day.up + day.down, worst.unwrap_or_default())
}
