//! One thing to do, and all of them as a page.

use std::fmt::Write as _;

use serde::Serialize;

/// What the text of a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SetupForm {
    /// Words for people.
    Words,
    /// Lines for a shell, on the server or where the software's own program is.
    Commands,
    /// The content of a file.
    File,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetupStep {
    /// What is done.
    pub title: String,
    /// Why, and what to look out for.
    pub why: String,
    /// What the text is.
    pub form: SetupForm,
    /// Where a file goes: on the server from the top, or a name in the volunteer's own folder.
    pub file: Option<String>,
    /// Words, commands, or the file's content.
    pub text: String,
}

impl SetupStep {
    pub(super) fn words(title: &str, text: impl AsRef<str>) -> Self {
        Self::new(title, "", SetupForm::Words, None, text.as_ref())
    }

    pub(super) fn commands(title: &str, why: &str, lines: &[String]) -> Self {
        Self::new(title, why, SetupForm::Commands, None, &lines.join("\n"))
    }

    pub(super) fn file(title: &str, why: &str, file: impl Into<String>, text: impl AsRef<str>) -> Self {
        Self::new(title, why, SetupForm::File, Some(file.into()), text.as_ref())
    }

    fn new(title: &str, why: &str, form: SetupForm, file: Option<String>, text: &str) -> Self {
        Self { title: title.to_owned(), why: why.to_owned(), form, file, text: text.trim_end().to_owned() }
    }

    /// The name of a file that belongs into the volunteer's own folder, where commands of later steps read it.
    #[must_use]
    pub fn own_file(&self) -> Option<&str> {
        self.file.as_deref().filter(|file| !file.starts_with('/'))
    }
}

/// The steps as a page, in Markdown that also reads well as it is.
#[must_use]
pub fn setup_page(heading: &str, steps: &[SetupStep]) -> String {
    let mut page = format!("# {heading}\n");
    for (number, step) in steps.iter().enumerate() {
        let _ = writeln!(page, "\n## {}. {}\n", number + 1, step.title);
        if !step.why.is_empty() {
            let _ = writeln!(page, "{}\n", step.why);
        }
        match (step.form, &step.file) {
            (SetupForm::Words, _) => {
                let _ = writeln!(page, "{}", step.text);
            }
            (_, Some(file)) => {
                let whose =
                    if step.own_file().is_some() { ", in this folder, where it is written for you" } else { ", on the server" };
                let _ = writeln!(page, "`{file}`{whose}:\n\n{}", indented(&step.text));
            }
            (_, None) => {
                let _ = writeln!(page, "{}", indented(&step.text));
            }
        }
    }
    page
}

/// A block of Markdown that no line of the text can end, unlike one between fences.
fn indented(text: &str) -> String {
    let line = |line: &str| if line.is_empty() { String::new() } else { format!("    {line}") };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
