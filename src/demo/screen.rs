//! The terminal: its own page while the demo runs, redrawn where something changed, and given back
//! as it was.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::Stdio;

use tokio::process::Command;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::view::{Line, Paint};

/// Rows where the terminal does not say how many it has.
const ROWS: usize = 40;

/// A page of the terminal; leaves when it is dropped.
pub struct Screen {
    shown: Vec<Line>,
    rows: usize,
    resized: Signal,
}

impl Screen {
    /// Whether somebody looks.
    #[must_use]
    pub fn is_there() -> bool {
        io::stdout().is_terminal()
    }

    /// Turns to a new page.
    ///
    /// # Errors
    /// When the terminal does not take it.
    pub async fn open() -> io::Result<Self> {
        let resized = signal(SignalKind::window_change())?;
        put("\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J")?;
        Ok(Self { shown: Vec::new(), rows: rows().await.unwrap_or(ROWS), resized })
    }

    /// How many lines it has room for.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Comes back when the terminal has another size, which is then known.
    pub async fn resized(&mut self) {
        if self.resized.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
        self.rows = rows().await.unwrap_or(self.rows);
        self.shown.clear();
    }

    /// Shows these lines; those that stand there already are left alone, so that they can be
    /// marked and copied.
    ///
    /// # Errors
    /// When the terminal does not take them.
    pub fn show(&mut self, lines: Vec<Line>) -> io::Result<()> {
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
        // A terminal that is gone needs nothing back.
        let _ = put("\x1b[?7h\x1b[?25h\x1b[?1049l");
    }
}

/// Says a line on the page that stays.
///
/// # Errors
/// When nobody reads it any more.
pub fn say(text: &str) -> io::Result<()> {
    put(&format!("{text}\n"))
}

fn paint(line: &Line) -> String {
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

/// The terminal's rows: without unsafe code only `stty` can ask for them.
async fn rows() -> Option<usize> {
    let terminal = File::open("/dev/tty").ok()?;
    let asked =
        Command::new("stty").arg("size").stdin(Stdio::from(terminal)).output().await.ok()?;
    let rows = String::from_utf8(asked.stdout).ok()?.split_whitespace().next()?.parse().ok()?;
    (rows > 0).then_some(rows)
}
