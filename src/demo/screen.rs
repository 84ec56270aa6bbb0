//! The terminal's alternate screen: used while the demo runs, redrawn where lines changed, and left
//! at the end.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::Stdio;

use tokio::process::Command;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::view::{Paint, ScreenLine};

/// The number of rows if the terminal does not report it.
const ROWS: usize = 40;

/// An alternate screen; left when dropped.
pub struct Screen {
    shown: Vec<ScreenLine>,
    rows: usize,
    resized: Signal,
}

impl Screen {
    /// Whether the output is a terminal.
    #[must_use]
    pub fn is_there() -> bool {
        io::stdout().is_terminal()
    }

    /// Switches to the alternate screen.
    ///
    /// # Errors
    /// When writing to the terminal fails.
    pub async fn open() -> io::Result<Self> {
        let resized = signal(SignalKind::window_change())?;
        put("\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J")?;
        Ok(Self { shown: Vec::new(), rows: rows().await.unwrap_or(ROWS), resized })
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Waits until the terminal was resized, and updates the number of rows.
    pub async fn resized(&mut self) {
        if self.resized.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        self.rows = rows().await.unwrap_or(self.rows);
        self.shown.clear();
    }

    /// Shows these lines; unchanged lines are not redrawn, so that they can be selected and copied.
    ///
    /// # Errors
    /// When writing to the terminal fails.
    pub fn show(&mut self, lines: Vec<ScreenLine>) -> io::Result<()> {
        let mut out = if self.shown.is_empty() { "\x1b[2J".to_owned() } else { String::new() };
        let longest = lines.len().max(self.shown.len());
        for row in 0..longest {
            let (new, old) = (lines.get(row), self.shown.get(row));
            if new != old {
                let painted = new.map(paint).unwrap_or_default();
                // Writing to a string cannot fail.
                let _ = write!(out, "\x1b[{};1H{painted}\x1b[K", row + 1);
            }
        }
        self.shown = lines;
        put(&out)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A closed terminal needs no reset.
        let _ = put("\x1b[?7h\x1b[?25h\x1b[?1049l");
    }
}

/// Prints a line on the normal screen.
///
/// # Errors
/// When the output is closed.
pub fn say(text: &str) -> io::Result<()> {
    put(&format!("{text}\n"))
}

fn paint(line: &ScreenLine) -> String {
    let code = match line.paint {
        Paint::Plain => return line.text.clone(),
        Paint::Title => 1,
        Paint::Dim => 2,
        Paint::Alarm => 31,
    };
    format!("\x1b[{code}m{}\x1b[0m", line.text)
}

fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// The terminal's number of rows, asked of `stty`: there is no way without unsafe code.
async fn rows() -> Option<usize> {
    let terminal = File::open("/dev/tty").ok()?;
    let asked =
        Command::new("stty").arg("size").stdin(Stdio::from(terminal)).output().await.ok()?;
    let rows = String::from_utf8(asked.stdout).ok()?.split_whitespace().next()?.parse().ok()?;
    (rows > 0).then_some(rows)
}
