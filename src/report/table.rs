//! Aligned columns for people.

use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, Row, Table as Layout, presets};

use crate::base::escape;

/// How text for people looks. Words carry the whole meaning; colour only repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Use terminal colours.
    pub colour: bool,
    /// Columns of the terminal; tables wrap inside their cells rather than grow wider.
    pub width: u16,
}

impl Default for Style {
    /// No colour, 100 columns: for pipes, files and tests.
    fn default() -> Self {
        Self { colour: false, width: 100 }
    }
}

/// How good or bad a cell's news is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Doubtful,
    Bad,
}

impl Tone {
    fn colour(self) -> Color {
        match self {
            Self::Good => Color::Green,
            Self::Doubtful => Color::Yellow,
            Self::Bad => Color::Red,
        }
    }
}

/// A table that is filled row by row.
pub(super) struct Table {
    layout: Layout,
    style: Style,
    right: Vec<bool>,
}

impl Table {
    /// A table with these column titles; a title that begins with `>` names a column of numbers, set to the right.
    pub(super) fn new(style: Style, titles: &[&str]) -> Self {
        let mut layout = Layout::new();
        layout.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(style.width);
        if style.colour {
            layout.enforce_styling();
        } else {
            layout.force_no_tty();
        }
        let right: Vec<bool> = titles.iter().map(|title| title.starts_with('>')).collect();
        let header: Vec<Cell> = titles.iter().map(|title| Cell::new(title.trim_start_matches('>'))).collect();
        layout.set_header(Row::from(header));
        for (column, right) in layout.column_iter_mut().zip(&right) {
            column.set_padding((0, 2));
            if *right {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self { layout, style, right }
    }

    /// Adds a row; `tone` colours the cell at its index.
    pub(super) fn row<const N: usize>(&mut self, cells: &[String; N], tone: (usize, Tone)) {
        debug_assert_eq!(N, self.right.len(), "a row has a cell for every column");
        let cells = cells.iter().enumerate().map(|(index, text)| {
            let cell = Cell::new(escape(text));
            if self.style.colour && index == tone.0 { cell.fg(tone.1.colour()) } else { cell }
        });
        self.layout.add_row(Row::from(cells));
    }

    /// The table's lines, each ended by a line feed, without spaces at their ends.
    pub(super) fn render(&self) -> String {
        self.layout.lines().flat_map(|line| [line.trim_end().to_owned(), "\n".to_owned()]).collect()
    }
}

/// One line of text below a table, safe to print; `indent` is in steps of two spaces.
pub(super) fn line(indent: usize, text: &str) -> String {
    format!("{:width$}{}\n", "", escape(text), width = indent * 2)
}
