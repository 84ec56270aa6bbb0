//! Stories about people, each named as the sentence it proves, with the rule in its first line.

mod quick;
