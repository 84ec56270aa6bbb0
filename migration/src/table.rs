//! A builder for tables: columns are text, numbers and instants, and not null unless stated.

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
    /// A float, used only for coordinates.
    Double,
    /// Yes or no.
    Boolean,
    /// An instant in UTC.
    TimestampWithTimeZone,
    /// JSON that is decoded into a value.
    JsonBinary,
}

/// A table under construction.
pub struct Builder(TableCreateStatement);

/// Starts a table with its primary key.
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
    /// Adds a column that is not null.
    #[must_use]
    pub fn col(mut self, name: &'static str, kind: Type) -> Self {
        self.0.col(column(name, kind).not_null());
        self
    }

    /// Adds a nullable column.
    #[must_use]
    pub fn maybe(mut self, name: &'static str, kind: Type) -> Self {
        self.0.col(column(name, kind).null());
        self
    }

    /// Adds a check constraint.
    #[must_use]
    pub fn check(mut self, condition: &'static str) -> Self {
        self.0.check(Expr::cust(condition));
        self
    }

    /// The finished statement.
    pub fn done(self) -> TableCreateStatement {
        self.0
    }
}

/// Statements that add columns to an existing table; `default` is the value in older rows.
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
