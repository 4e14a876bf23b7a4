//! The words of `spartacus rotate`.

use clap::Subcommand;

/// `spartacus rotate`
#[derive(Debug, Subcommand)]
pub enum Rotate {
    /// Make the next key, and say who has to hear of it.
    #[command(
        after_help = "The next invite names both keys, and is what proves the new one: with it volunteers with a `contact:` are written to, on the routes of
`alerts:` for volunteers. Those who are not written to are named.

Example:
  spartacus rotate begin && spartacus invite && spartacus alert send"
    )]
    Begin,
    /// Log in to every target that uses the deploy key, with the old and with the next one; nothing is written.
    #[command(after_help = "It ends with 7 while a target does not take the next key.

Examples:
  spartacus rotate status
  spartacus rotate status --only paris --json")]
    Status,
    /// Put the next key in the place of the old one, which is removed.
    #[command(
        after_help = "It is refused while a target takes only the old key, or could not be asked. When the old key was stolen, every hour counts:
--force leaves such targets behind, and the next push says that they refuse us.

Examples:
  spartacus rotate finish
  spartacus rotate finish --force"
    )]
    Finish {
        /// Although some targets do not take the next key yet: they are cut off until their volunteers add it.
        #[arg(long)]
        force: bool,
    },
    /// Remove the next key; the old one goes on.
    #[command(after_help = "It is refused while a target takes only the next key.

Example:
  spartacus rotate cancel")]
    Cancel {
        /// Although some targets take only the next key: they are cut off.
        #[arg(long)]
        force: bool,
    },
}
