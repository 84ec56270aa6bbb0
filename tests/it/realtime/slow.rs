//! A device that does not read.

use std::time::{Duration, Instant};

use entity::kinds::{CommandName, EventKind};
use entity::value::EventId;
use platform::{Audience, By, Command, CommandError};
use serde_json::json;
use yumo::context::{Context, Tx};

use super::feed_socket::FeedSocket;
use crate::support::{World, seconds};

/// More events than the kernel and the engine buffer for one socket.
const TOLD: i64 = 600;
const BYTES: usize = 40_000;
/// Requests between two short events, so that the slow reader's cursor stays within retention.
const ANSWERS: usize = 20;

/// Emits a long event to a client.
struct Tell {
    audience: Audience,
    bytes: usize,
}

impl Command<Context> for Tell {
    type Answer = ();
    const NAME: CommandName = CommandName::TellBalance;

    async fn run(&self, tx: &mut Tx) -> Result<(), CommandError> {
        let news = json!({"news": "x".repeat(self.bytes)});
        tx.emit(&self.audience, EventKind::PenaltyChanged, None, EventId::new(), &news)
    }
}

async fn tells(world: &World, audience: Audience, bytes: usize) {
    let tell = Tell { audience, bytes };
    world.app().engine.execute(By::CLOCK, None, tell).await.unwrap();
}

both! {
    /// NOT-6: a device that does not read delays nobody, and is closed with 4008: it may resume.
    async fn a_sleeping_phone_delays_nobody(world) {
        world.settings.feed.send_timeout_s = 1;
        world.is_down_for(seconds(1)).await;
        let anar = world.client("Anar").await;
        let audience = Audience::Client(anar.person_id.parse().unwrap());
        let (mut asleep, mut awake) =
            (FeedSocket::open(&anar, "client").await, FeedSocket::open(&anar, "client").await);
        asleep.resumes(0).await;
        awake.resumes(0).await;
        let telling = async {
            for _ in 0..TOLD {
                tells(world, audience, BYTES).await;
            }
        };
        let (heard, ()) = tokio::join!(awake.numbered(1, TOLD), telling);
        assert!(heard.iter().all(|frame| frame["type"] == "event"));
        let began = Instant::now();
        let mut last = TOLD;
        while began.elapsed() < Duration::from_secs(3) {
            tells(world, audience, 10).await;
            last += 1;
            awake.numbered(last, last).await;
            for _ in 0..ANSWERS {
                assert!(awake.answers().await);
            }
        }
        let (frames, code) = asleep.read_out().await;
        assert_eq!(code, 4008);
        let numbers: Vec<i64> = frames.iter().map(|frame| frame["seq"].as_i64().unwrap()).collect();
        let reached = i64::try_from(numbers.len()).unwrap();
        assert!(reached < last, "it was never slow: {reached} of {last}");
        assert_eq!(numbers, (1..=reached).collect::<Vec<i64>>());
        let mut back = FeedSocket::open(&anar, "client").await;
        back.resumes(reached).await;
        back.numbered(reached + 1, last).await;
    }
}
