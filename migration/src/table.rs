//! A short way to say a table: columns are text, numbers and instants, never null unless said.

use sea_orm_migration::prelude::*;

/// The column types in use, the same on both databases.
#[derive(Clone, Copy)]
pub enum Type {
    /// 16 bytes.
    Uuid,
    /// Text.
    Text,
    /// 16 bits.
    SmallInteger,
    /// 32 bits.
    Integer,
    /// 64 bits.
    BigInteger,
    /// A float: coordinates alone.
    Double,
    /// Yes or no.
    Boolean,
    /// An instant in UTC.
    TimestampWithTimeZone,
    /// JSON that is read as a value.
    JsonBinary,
}

/// A table being said.
pub struct Builder(TableCreateStatement);

/// Begins a table with its primary key.
pub fn table(name: &'static str, key: &[&'static str]) -> Builder {
    let mut create = Table::create();
    create.table(name);
    let mut index = Index::create();
    for column in key {
        index.col(*column);
    }
    create.primary_key(&mut index);
    Builder(create)
}

impl Builder {
    /// A column that always holds a value.
    #[must_use]
    pub fn col(mut self, name: &'static str, kind: Type) -> Self {
        self.0.col(column(name, kind).not_null());
        self
    }

    /// A column that may hold none.
    #[must_use]
    pub fn maybe(mut self, name: &'static str, kind: Type) -> Self {
        self.0.col(column(name, kind).null());
        self
    }

    /// What every row must satisfy.
    #[must_use]
    pub fn check(mut self, condition: &'static str) -> Self {
        self.0.check(Expr::cust(condition));
        self
    }

    /// The statement.
    pub fn done(self) -> TableCreateStatement {
        self.0
    }
}

/// Columns added to a table that is there; `default` is what older rows hold.
pub fn added(
    name: &'static str,
    columns: &[(&'static str, Type, Option<&'static str>)],
) -> Vec<TableAlterStatement> {
    let one = |(column_name, kind, default): &(&'static str, Type, Option<&'static str>)| {
        let mut column = column(column_name, *kind);
        match default {
            Some(default) => column.not_null().default(Expr::cust(*default)),
            None => column.null(),
        };
        Table::alter().table(name).add_column(&mut column).take()
    };
    columns.iter().map(one).collect()
}

fn column(name: &'static str, kind: Type) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match kind {
        Type::Uuid => column.uuid(),
        Type::Text => column.text(),
        Type::SmallInteger => column.small_integer(),
        Type::Integer => column.integer(),
        Type::BigInteger => column.big_integer(),
        Type::Double => column.double(),
        Type::Boolean => column.boolean(),
        Type::TimestampWithTimeZone => column.timestamp_with_time_zone(),
        Type::JsonBinary => column.json_binary(),
    };
    column
}
