//! `#[derive(Choice)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Result};

use crate::attribute::kebab;

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(input, "`Choice` is derived for an enum"));
    };
    if let Some(variant) = data.variants.iter().find(|variant| !matches!(variant.fields, Fields::Unit)) {
        return Err(Error::new_spanned(variant, "a word to choose has no fields"));
    }
    let name = &input.ident;
    let variants: Vec<_> = data.variants.iter().map(|variant| &variant.ident).collect();
    let words: Vec<_> = variants.iter().map(|variant| kebab(&variant.to_string())).collect();

    Ok(quote! {
        #[automatically_derived]
        impl ::stratagem_sdk::Choice for #name {
            const WORDS: &'static [&'static str] = &[#(#words),*];

            fn from_word(word: &str) -> ::core::option::Option<Self> {
                match word {
                    #(#words => ::core::option::Option::Some(Self::#variants),)*
                    _ => ::core::option::Option::None,
                }
            }

            fn word(&self) -> &'static str {
                match self { #(Self::#variants => #words,)* }
            }
        }

        #[automatically_derived]
        impl ::stratagem_sdk::parameters::FromValue for #name {
            fn from_value(value: &::stratagem_sdk::Value) -> ::core::option::Option<Self> {
                match value {
                    ::stratagem_sdk::Value::Text(word) => <Self as ::stratagem_sdk::Choice>::from_word(word),
                    _ => ::core::option::Option::None,
                }
            }
        }
    })
}
