//! Many memberships by themselves, without machines and links: packets that are lost, and hours.

mod hours;
mod packets;
mod swarm;
