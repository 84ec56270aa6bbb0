//! Registering a branch by support: the branch, its owner and an empty wallet in one command.

use crate::bonus::Owner;
use crate::bonus::account;
use crate::context::{Context, Tx};
use crate::ledger;
use crate::partners::profile::read::BranchView;
use crate::partners::profile::register::{NewBranch, register};
use entity::kinds::CommandName;
use platform::{Command, CommandError};

/// Registers a branch.
pub struct RegisterPartner(pub NewBranch);

impl Command<Context> for RegisterPartner {
    type Answer = BranchView;
    const NAME: CommandName = CommandName::RegisterPartner;

    async fn run(&self, tx: &mut Tx) -> Result<BranchView, CommandError> {
        let row = register(tx, &self.0).await?;
        ledger::post::open_wallet(tx, row.id);
        account::open(tx, Owner::Partner(row.id));
        BranchView::of(row, &tx.keys(), tx.now())
    }
}
