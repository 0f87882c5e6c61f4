//! S4: whoever has to wait for an answer is offered to stop it, once, and no longer than it grows.

use super::{
    courier::Courier,
    ground::first_letter,
    sign::{self, Sign},
};
use crate::{
    bot::transactions,
    model::{EventId, Turn},
    observe,
    store::{Letter, LetterSort},
};

/// How it stands with the 🛑 of an answer.
#[derive(Debug)]
pub(super) enum Offer {
    /// Nobody was offered anything yet.
    Open,
    /// It is on its way into the room.
    UnderWay,
    /// It is there, or may be.
    Up(Box<Sign>),
    /// It failed, or was taken back.
    Over,
}

impl Offer {
    /// Where an earlier attempt left it.
    pub(super) fn left(sign: Option<Sign>) -> Self {
        sign.map_or(Self::Open, |sign| Self::Up(Box::new(sign)))
    }

    /// Whether it can still be made.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    /// Makes it on the message `on`. What the request gives must come back to [`Self::settle`].
    pub(super) fn make(
        &mut self,
        courier: Courier,
        turn: &Turn,
        on: EventId,
    ) -> impl Future<Output = Option<Sign>> + Send + use<> {
        *self = Self::UnderWay;
        let letter = Letter {
            transaction: transactions::offer(&turn.id, turn.attempt),
            sort: LetterSort::Reaction,
            ..first_letter(turn, observe::now())
        };
        sign::put_up(courier, letter, on)
    }

    /// What became of it.
    pub(super) fn settle(&mut self, sign: Option<Sign>) {
        *self = sign.map_or(Self::Over, |sign| Self::Up(Box::new(sign)));
    }

    /// The sign to take back, if it is up; from now on it isn't.
    pub(super) fn withdraw(&mut self) -> Option<Sign> {
        match std::mem::replace(self, Self::Over) {
            Self::Up(sign) => Some(*sign),
            before @ (Self::Open | Self::UnderWay | Self::Over) => {
                *self = before;
                None
            }
        }
    }
}
