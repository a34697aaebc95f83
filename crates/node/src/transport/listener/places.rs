//! The places of connections that are not authenticated yet: how many there are, from where, and who makes room.
//!
//! **Invariant:** a place is counted from when it is taken until it is dropped or has made room, and once.

use super::Limits;
use crate::refusals::Reason;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::AbortHandle;

/// The places that are taken. Sources stay only while they have one.
#[derive(Default)]
pub(super) struct HalfOpen {
    /// In the order in which they were taken.
    places: BTreeMap<u64, Taken>,
    by_source: BTreeMap<IpAddr, usize>,
    taken: u64,
}

/// A place that is taken.
struct Taken {
    source: IpAddr,
    /// The task that holds it, as soon as that is known.
    task: Option<AbortHandle>,
    /// Whether it is authenticated, and makes room for nobody.
    is_kept: bool,
}

impl HalfOpen {
    fn remove(&mut self, id: u64) -> Option<Taken> {
        let taken = self.places.remove(&id)?;
        match self.by_source.get_mut(&taken.source) {
            Some(of_source) if 1 < *of_source => *of_source -= 1,
            Some(_) | None => drop(self.by_source.remove(&taken.source)),
        }
        Some(taken)
    }

    /// Ends the oldest connection of the source that has most, of those that are not authenticated; gives the source.
    fn make_room(&mut self) -> Option<IpAddr> {
        let count = |taken: &Taken| self.by_source.get(&taken.source).copied().unwrap_or(0);
        let waiting = self.places.iter().filter(|(_, taken)| taken.task.is_some() && !taken.is_kept);
        // Of equals the last one is found, so they are looked at from the youngest on.
        let (id, _) = waiting.rev().max_by_key(|(_, taken)| count(taken))?;
        let id = *id;
        let taken = self.remove(id)?;
        taken.task.iter().for_each(AbortHandle::abort);
        Some(taken.source)
    }
}

/// A place among the half-open connections, given back when it is dropped.
pub(super) struct Place(Holder);

/// Which place it is.
#[derive(Clone)]
pub(super) struct Holder {
    half_open: Arc<Mutex<HalfOpen>>,
    id: u64,
}

impl Place {
    /// Takes a place, and gives the source of the connection that had to make room for it, if one had to; or says what there
    /// are too many of.
    pub(super) fn take(
        half_open: &Arc<Mutex<HalfOpen>>,
        address: IpAddr,
        limits: &Limits,
    ) -> Result<(Place, Option<IpAddr>), Reason> {
        let source = source(address);
        let mut counts = lock(half_open);
        let of_source = counts.by_source.get(&source).copied().unwrap_or(0);
        if limits.half_open_per_address_max <= of_source {
            return Err(Reason::HalfOpenAddress);
        }
        let mut given_up = None;
        if limits.half_open_max <= counts.places.len() {
            given_up = Some(counts.make_room().ok_or(Reason::HalfOpen)?);
        }
        counts.taken += 1;
        let id = counts.taken;
        counts.places.insert(id, Taken { source, task: None, is_kept: false });
        *counts.by_source.entry(source).or_default() += 1;
        Ok((Place(Holder { half_open: half_open.clone(), id }), given_up))
    }

    /// To say later who holds it.
    pub(super) fn holder(&self) -> Holder {
        self.0.clone()
    }

    /// The connection is authenticated, and makes room for nobody.
    pub(super) fn keep(&self) {
        if let Some(taken) = lock(&self.0.half_open).places.get_mut(&self.0.id) {
            taken.is_kept = true;
        }
    }
}

impl Holder {
    /// The task that holds the place, which may be ended to make room from now on.
    pub(super) fn is_held_by(&self, task: AbortHandle) {
        if let Some(taken) = lock(&self.half_open).places.get_mut(&self.id) {
            taken.task = Some(task);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // One that has made room is not there.
        lock(&self.0.half_open).remove(self.0.id);
    }
}

fn lock(half_open: &Mutex<HalfOpen>) -> MutexGuard<'_, HalfOpen> {
    half_open.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What an address is counted under: itself, or its network in IPv6.
fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    /// A task that holds a place and does nothing.
    fn waits(place: &Place) -> tokio::task::JoinHandle<()> {
        let task = tokio::spawn(std::future::pending());
        place.holder().is_held_by(task.abort_handle());
        task
    }

    #[test]
    fn places_are_limited_for_each_source_and_in_all_and_come_back() {
        let limits = Limits { half_open_max: 3, half_open_per_address_max: 2, ..Limits::default() };
        let half_open = Arc::default();
        let take = |text| Place::take(&half_open, address(text), &limits).map(|(place, _)| place);
        let first = take("192.0.2.1").expect("the first");
        let _second = take("::ffff:192.0.2.1").expect("the second of the address");
        assert_eq!(take("192.0.2.1").err(), Some(Reason::HalfOpenAddress));
        let _third = take("192.0.2.2").expect("another address");
        // Nobody waits, so nobody makes room.
        assert_eq!(take("192.0.2.3").err(), Some(Reason::HalfOpen));
        drop(first);
        drop(take("192.0.2.1").expect("the place of the first"));
    }

    #[tokio::test]
    async fn the_oldest_of_the_source_that_has_most_makes_room() {
        let limits = Limits { half_open_max: 4, half_open_per_address_max: 3, ..Limits::default() };
        let half_open = Arc::default();
        let take = |text| Place::take(&half_open, address(text), &limits).expect("a place");
        let places = ["192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.1"].map(|text| take(text).0);
        let [first, second, third, fourth] = places.each_ref().map(waits);
        let (fifth, given_up) = take("192.0.2.3");
        assert_eq!(given_up, Some(address("192.0.2.1")), "two have two, and it is the oldest of them");
        assert!(first.await.expect_err("it is ended").is_cancelled());
        let fifth_waits = waits(&fifth);
        assert_eq!(take("192.0.2.4").1, Some(address("192.0.2.2")));
        assert!(second.await.expect_err("it is ended").is_cancelled());
        assert!(!third.is_finished() && !fourth.is_finished() && !fifth_waits.is_finished());
        // Its place was given back when it made room, and not again.
        let [first, second, third, _fourth] = places;
        drop((first, second));
        assert_eq!(lock(&half_open).places.len(), 3);
        third.keep();
        assert_eq!(lock(&half_open).make_room(), Some(address("192.0.2.1")), "one that is kept stays");
    }

    #[test]
    fn no_address_stays_that_has_no_place() {
        let half_open = Arc::default();
        let places: Vec<_> = (0..9).map(|_| Place::take(&half_open, address("::1"), &Limits::default())).collect();
        assert!(places.iter().all(Result::is_ok));
        drop(places);
        let counts = lock(&half_open);
        assert_eq!((counts.places.len(), counts.by_source.len()), (0, 0));
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        assert_eq!(source(address("2001:db8:1:2:3:4:5:6")), source(address("2001:db8:1:2::9")));
        assert_ne!(source(address("2001:db8:1:2::9")), source(address("2001:db8:1:3::9")));
        assert_eq!(source(address("::ffff:192.0.2.7")), address("192.0.2.7"));
    }
}
