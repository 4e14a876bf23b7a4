//! The program. Everything is in the library; here is only the way in and the way out.

fn main() -> std::process::ExitCode {
    spartacus::cli::run()
}
