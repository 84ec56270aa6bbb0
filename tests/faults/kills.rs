//! `kill -9` at random moments and restarts: with 64 commands under way, 50 times.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::city::City;
use crate::feed::Feed;
use crate::ground::{Backend, Ground};
use crate::life::Life;
use crate::server::Server;
use crate::truth;
use crate::wait::pause;
use crate::wire::Wire;

/// The number of kills in one run.
const KILLS: usize = 50;
/// Commands under way at each kill, at least.
const UNDER_WAY: usize = 64;
/// More lives than that, as each pauses between two commands.
const LIVES: usize = 80;
const BRANCHES: usize = 8;
/// When the server is killed, milliseconds after the load began.
const KILL_MS: std::ops::Range<u64> = 5..400;
const CREDIT: i64 = 100_000_000;
/// The first lot of bonus of each branch, qəpik.
const BONUS: i64 = 4_000;
/// Bays in each branch; every second life books.
const BAYS: usize = 4;

/// The seed of this run, printed.
pub fn seed(test: &str) -> u64 {
    let told = std::env::var("YUMO_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = told.unwrap_or_else(rand::random);
    println!("{test}: YUMO_TEST_SEED={seed}");
    seed
}

/// All lives and feeds of a run.
struct Crowd {
    city: City,
    lives: Vec<Life>,
    feeds: Vec<Feed>,
    dice: StdRng,
}

impl Crowd {
    async fn new(ground: &Ground, seed: u64) -> Self {
        let city = City::with_bays(ground, BRANCHES, LIVES, CREDIT, BAYS).await;
        city.gives_bonus(ground, BONUS).await;
        let mut dice = StdRng::seed_from_u64(seed);
        let homes = city.branches.iter().cycle();
        let lives = city.clients.iter().zip(homes);
        let mut lives: Vec<Life> = lives.map(|(c, b)| Life::new(c, b, dice.random())).collect();
        // Both kinds of lives in every branch.
        for (n, life) in lives.iter_mut().enumerate() {
            life.books = n / BRANCHES % 2 == 1;
        }
        let branches = city.branches.iter();
        let branches = branches.map(|b| Feed::new(&b.owner, format!("branch:{}", b.id)));
        let clients = city.clients.iter().map(|c| Feed::new(&c.token, "client"));
        let feeds = branches.chain(clients).collect();
        Self { city, lives, feeds, dice }
    }

    /// After a start: acknowledged commands are there, others whole or not at all, feeds go on.
    async fn look(&mut self, wire: &Wire) {
        let support = &self.city.support;
        join_all(self.lives.iter_mut().map(|life| life.judge(wire, support))).await;
        join_all(self.feeds.iter_mut().map(|feed| feed.resume(wire))).await;
    }

    /// Everybody acts, the branches follow their feeds, and meanwhile the server is killed. Returns
    /// the number of commands under way.
    async fn until_killed(&mut self, mut server: Server) -> usize {
        let under_way = AtomicUsize::new(0);
        let after = Duration::from_millis(self.dice.random_range(KILL_MS));
        let (wire, mut at_kill) = (std::mem::replace(&mut server.wire, Wire::to("")), 0);
        let living = join_all(self.lives.iter_mut().map(|life| life.live(&wire, &under_way)));
        let following = self.feeds.iter_mut().take(BRANCHES).map(|feed| feed.follow(&wire));
        let killing = async {
            pause(after).await;
            at_kill = under_way.load(Ordering::Relaxed);
            while at_kill < UNDER_WAY {
                tokio::task::yield_now().await;
                at_kill = under_way.load(Ordering::Relaxed);
            }
            server.kill();
        };
        tokio::join!(living, join_all(following), killing);
        assert!(self.lives.iter().filter(|life| life.waits()).count() >= UNDER_WAY);
        at_kill
    }

    /// No order is stuck: half of the open ones are completed, support ends the others.
    async fn wind_up(&mut self, wire: &Wire) {
        let none = AtomicUsize::new(0);
        for (n, life) in self.lives.iter_mut().enumerate() {
            life.closing = true;
            if let (Some(id), 0) = (life.open(), n % 2) {
                truth::force_cancel(wire, &self.city.support, id).await;
                life.release();
            }
        }
        join_all(self.lives.iter_mut().map(|life| life.live(wire, &none))).await;
        assert!(self.lives.iter().all(|life| life.open().is_none() && !life.waits()));
    }

    /// Prints how much was at stake.
    fn tell(&self) {
        let (mut orders, mut steps, mut left, mut done) = (0, 0, 0, 0);
        let mut refused: BTreeMap<&str, usize> = BTreeMap::new();
        for life in &self.lives {
            orders += life.journal.len();
            steps += life.journal.values().map(|answered| answered.steps.len()).sum::<usize>();
            (left, done) = (left + life.left.0, done + life.left.1);
            for (code, n) in &life.refused {
                *refused.entry(code).or_default() += n;
            }
        }
        println!(
            "{orders} orders, {steps} answered steps; {left} commands without an answer, {done} of \
             them done; refused: {refused:?}"
        );
        assert!(left >= KILLS * UNDER_WAY && done > 0 && done < left);
    }

    async fn prove(&mut self, wire: &Wire) {
        let mut told = Vec::new();
        for feed in &mut self.feeds {
            told.push(feed.prove(wire).await);
        }
        let (branches, clients) = told.split_at(BRANCHES);
        let outages = truth::outages(wire, &self.city.support).await;
        for (n, life) in self.lives.iter_mut().enumerate() {
            let told = [&branches[n % BRANCHES], &clients[n]];
            life.prove(wire, &self.city.support, &told, &outages).await;
        }
    }
}

async fn killed_fifty_times(backend: Backend) {
    let ground = Ground::new(backend).await;
    let mut crowd = Crowd::new(&ground, seed("kills")).await;
    let (began, mut starts, mut under_way) = (Instant::now(), Vec::new(), Vec::new());
    for _ in 0..KILLS {
        let server = Server::start(&ground).await;
        starts.push(server.start.as_millis());
        crowd.look(&server.wire).await;
        under_way.push(crowd.until_killed(server).await);
    }
    let server = Server::start(&ground).await;
    crowd.look(&server.wire).await;
    crowd.wind_up(&server.wire).await;
    crowd.prove(&server.wire).await;
    truth::books_are_right(&ground, server, &crowd.city.support).await;
    starts.sort_unstable();
    println!(
        "{backend:?}: {KILLS} kills in {:?}, at least {} under way, a start takes {} ms at the \
         median and {} ms at the most",
        began.elapsed(),
        under_way.iter().min().unwrap(),
        starts[starts.len() / 2],
        starts[starts.len() - 1],
    );
    crowd.tell();
}

/// ORD-2, ORD-4, OUT-1, NOT-6, BAL-6, on one file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_it_keeps_its_word_on_sqlite() {
    killed_fifty_times(Backend::Sqlite).await;
}

/// ORD-2, ORD-4, OUT-1, NOT-6, BAL-6, with PostgreSQL and Redis.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_it_keeps_its_word_on_postgres() {
    killed_fifty_times(Backend::Cluster).await;
}
