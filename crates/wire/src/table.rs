//! The closed sets of the wire: each is one table of numbers, names and meanings, and everything else follows from it.
//!
//! **Invariant:** a number is never used again for something else; what is retired keeps its row.

macro_rules! closed_set {
    ($(#[$about:meta])* $set:ident: $number:ident { $($name:ident = $code:literal $text:literal $doc:literal;)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $set {$(
            #[doc = $doc]
            $name,
        )*}

        impl $set {
            /// Every row, in the order of the numbers.
            pub const ALL: &'static [$set] = &[$($set::$name),*];

            /// Its number on the wire.
            pub const fn number(self) -> $number {
                match self { $($set::$name => $code,)* }
            }

            /// Its name, as people read it.
            pub const fn name(self) -> &'static str {
                match self { $($set::$name => $text,)* }
            }

            /// What it means.
            pub const fn doc(self) -> &'static str {
                match self { $($set::$name => $doc,)* }
            }

            /// The row of this number, if there is one.
            pub fn of(number: $number) -> Option<$set> {
                $set::ALL.iter().copied().find(|row| row.number() == number)
            }
        }

        impl std::fmt::Display for $set {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

closed_set! {
    /// The kinds of frames. Below 0x10 they belong to the handshake, from 0x10 to 0x7f they are numbered: their body
    /// begins with a sequence. From 0x80 on they are not numbered.
    Kind: u8 {
        Hello = 0x01 "HELLO" "The dialling node says who it is and what it can do.";
        Welcome = 0x02 "WELCOME" "The other node says the same and what was agreed.";
        Refuse = 0x03 "REFUSE" "The connection ends before there was a session, with a reason.";
        Send = 0x10 "SEND" "A message from one fiber to another.";
        Reply = 0x11 "REPLY" "The reply to a request of another fiber.";
        Link = 0x12 "LINK" "A fiber links itself to another.";
        Unlink = 0x13 "UNLINK" "A fiber gives a link up.";
        Exit = 0x14 "EXIT" "An exit signal from one fiber to another.";
        Watch = 0x15 "WATCH" "The node asks to be told when a fiber ends.";
        Gone = 0x16 "GONE" "A fiber that was watched has ended.";
        Credit = 0x17 "CREDIT" "A fiber takes so many more messages and bytes from this node.";
        Spawn = 0x18 "SPAWN" "The node asks for a fiber to be started.";
        Spawned = 0x19 "SPAWNED" "The answer to SPAWN.";
        Fetch = 0x1a "FETCH" "The node asks for the module of a hash.";
        Code = 0x1b "CODE" "A piece of a module that was asked for.";
        Name = 0x1c "NAME" "A fiber of the node has a name in the cluster.";
        NameFree = 0x1d "NAME_FREE" "A fiber of the node has a name no longer.";
        Group = 0x1e "GROUP" "A fiber of the node has joined a group, or has left it.";
        Fragment = 0x1f "FRAGMENT" "A piece of a message that is too large for one frame.";
        Request = 0x20 "REQUEST" "A message from one fiber to another that asks for a reply.";
        Refused = 0x21 "REFUSED" "A request was not taken.";
        Member = 0x22 "MEMBER" "Retired; unknown in version 1.";
        Ask = 0x23 "ASK" "Somebody who operates the cluster asks the node something.";
        Answer = 0x24 "ANSWER" "The answer to ASK.";
        Types = 0x25 "TYPES" "A piece of what the numbers of types mean that come in values.";
        Ack = 0x80 "ACK" "Every numbered frame up to this sequence has arrived.";
        Ping = 0x81 "PING" "Asks whether the peer is there.";
        Pong = 0x82 "PONG" "Answers PING with its number.";
        Bye = 0x83 "BYE" "The connection ends, with a reason.";
        Gossip = 0x84 "GOSSIP" "A packet about who belongs to the cluster; it is not sent again.";
        Compressed = 0x85 "COMPRESSED" "Other frames, compressed to one.";
    }
}

closed_set! {
    /// The extension types of values.
    Extension: i8 {
        Tuple = 1 "Tuple" "An array of the items.";
        Set = 2 "Set" "An array of the items, in order of insertion.";
        Record = 3 "Record" "A str, the name of the type, and an array of the fields.";
        Variant = 4 "Variant" "A str, the name of the variant, an unsigned integer below 2^32, its number, and an array of the fields.";
        Address = 5 "Address" "The 44 bytes of an address.";
        Ref = 6 "Ref" "The 44 bytes of the address of the fiber that made it, and its number as 8 bytes, little-endian.";
    }
}

closed_set! {
    /// Why a handshake is refused.
    RefusalCode: u16 {
        Malformed = 1 "malformed" "A frame breaks the layout or a limit.";
        Magic = 2 "magic" "The first bytes are not those of the protocol.";
        Role = 3 "role" "The frame comes from the wrong side, as one's own does when it is sent back.";
        Version = 4 "version" "The two ranges of versions have none in common.";
        Identity = 5 "identity" "The node is not the one that the transport has proven, or that was called.";
        OwnNode = 6 "own node" "The node is this one.";
        Incarnation = 7 "incarnation" "A later incarnation of the node has been seen.";
        Crossing = 8 "crossing" "Both nodes dial; the connection that the lower id dials is kept.";
        Limits = 9 "limits" "A limit that the peer sets is below the least of the protocol.";
        Unexpected = 10 "unexpected" "A frame came that has no place in the handshake.";
        Timeout = 11 "timeout" "The handshake took too long.";
        Denied = 12 "denied" "The node does not want this peer.";
    }
}

closed_set! {
    /// Why a connection ends that had a session.
    Goodbye: u16 {
        Shutdown = 1 "shutdown" "The node ends.";
        Replaced = 2 "replaced" "Another connection to the same peer has taken over.";
        Protocol = 3 "protocol" "The peer broke the protocol.";
        Silence = 4 "silence" "Nothing was heard for too long.";
        Idle = 5 "idle" "The connection is not needed at present.";
    }
}

closed_set! {
    /// Why a fiber was not started.
    SpawnRefusal: u16 {
        Denied = 1 "denied" "The peer may not start fibers here, or not these.";
        CodeMissing = 2 "code missing" "The module could not be had.";
        NoFunction = 3 "no function" "The module has no such function.";
        Arguments = 4 "arguments" "The arguments do not fit the function.";
        Limit = 5 "limit" "A limit of the node was reached.";
    }
}

closed_set! {
    /// Who keeps a name that fibers of two nodes have.
    NamePolicy: u8 {
        KeepOldest = 1 "keep_oldest" "The fiber that was registered first.";
        KeepNewest = 2 "keep_newest" "The fiber that was registered last.";
        KeepNone = 3 "keep_none" "Neither.";
    }
}

closed_set! {
    /// What a full mailbox does.
    MailboxPolicy: u8 {
        Block = 1 "block" "The sender waits.";
        Reject = 2 "reject" "The message is refused; one that asks is told.";
        DropOld = 3 "drop_old" "The oldest message makes room.";
        DropNew = 4 "drop_new" "The new message is dropped.";
        Exit = 5 "exit" "The receiver ends with `mailbox_overflow`.";
    }
}

closed_set! {
    /// The exit reasons.
    ReasonCode: u8 {
        Normal = 0 "normal" "No more bytes.";
        Shutdown = 1 "shutdown" "No more bytes.";
        ShutdownWith = 2 "shutdown(x)" "A value follows.";
        Kill = 3 "kill" "No more bytes.";
        Killed = 4 "killed" "No more bytes.";
        NoProc = 5 "noproc" "No more bytes.";
        NoConnection = 6 "noconnection" "No more bytes.";
        Timeout = 7 "timeout" "No more bytes.";
        Error = 8 "error" "A failure follows.";
        OutOfMemory = 9 "out_of_memory" "No more bytes.";
        StackOverflow = 10 "stack_overflow" "No more bytes.";
        MailboxOverflow = 11 "mailbox_overflow" "No more bytes.";
        Denied = 12 "denied" "No more bytes.";
        CodeMissing = 13 "code_missing" "No more bytes.";
        Fenced = 14 "fenced" "No more bytes.";
    }
}

/// What the number of a frame's kind says of it, whether the kind is known or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Before there is a session.
    Handshake,
    /// Carries a sequence, is kept until it is acknowledged, and takes effect once.
    Numbered,
    /// Belongs to the connection.
    Plain,
}

/// The class of the kind of this number.
pub fn class(kind: u8) -> Class {
    match kind {
        0..=0x0f => Class::Handshake,
        0x10..=0x7f => Class::Numbered,
        0x80..=0xff => Class::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_and_lead_back_to_their_rows() {
        assert!(Kind::ALL.is_sorted_by_key(|kind| kind.number()));
        assert!((0..=u8::MAX).filter_map(Kind::of).eq(Kind::ALL.iter().copied()));
        assert!((i8::MIN..=i8::MAX).filter_map(Extension::of).eq(Extension::ALL.iter().copied()));
        assert!((0..=u16::MAX).filter_map(RefusalCode::of).eq(RefusalCode::ALL.iter().copied()));
        assert!((0..=u16::MAX).filter_map(Goodbye::of).eq(Goodbye::ALL.iter().copied()));
        assert!((0..=u16::MAX).filter_map(SpawnRefusal::of).eq(SpawnRefusal::ALL.iter().copied()));
        assert!((0..=u8::MAX).filter_map(NamePolicy::of).eq(NamePolicy::ALL.iter().copied()));
        assert!((0..=u8::MAX).filter_map(MailboxPolicy::of).eq(MailboxPolicy::ALL.iter().copied()));
        assert!((0..=u8::MAX).filter_map(ReasonCode::of).eq(ReasonCode::ALL.iter().copied()));
    }
}
