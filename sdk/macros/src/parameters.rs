//! `#[derive(Parameters)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Expr, Field, Fields, Result, Type};

use crate::attribute::{Arguments, arguments, documentation, kebab};

/// The host refuses strategies with more.
const PARAMETERS_MAX: usize = 64;

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(input, "`Parameters` is derived for a struct"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(input, "parameters are named fields"));
    };
    if fields.named.len() > PARAMETERS_MAX {
        return Err(Error::new_spanned(fields, "a strategy has at most 64 parameters"));
    }
    let fields: Vec<_> = fields.named.iter().map(Parameter::new).collect::<Result<_>>()?;
    let name = &input.ident;
    let count = fields.len();
    let schema = fields.iter().map(|field| &field.schema);
    let checks = fields.iter().map(|field| &field.check);
    let values = fields.iter().enumerate().map(|(index, field)| {
        let (identifier, name) = (&field.identifier, &field.name);
        quote! { #identifier: ::stratagem_sdk::parameters::read(values, #index, #name)? }
    });

    Ok(quote! {
        #(#checks)*

        #[automatically_derived]
        impl ::stratagem_sdk::Parameters for #name {
            fn schema() -> ::std::vec::Vec<::stratagem_sdk::Parameter> {
                ::std::vec![#(#schema),*]
            }

            fn from_values(
                values: &[::stratagem_sdk::Value],
            ) -> ::core::result::Result<Self, ::stratagem_sdk::ParameterError> {
                ::stratagem_sdk::parameters::check_count(values, #count)?;
                ::core::result::Result::Ok(Self { #(#values),* })
            }
        }
    })
}

/// One field, ready to be written out.
struct Parameter {
    identifier: syn::Ident,
    name: String,
    /// The expression of its schema entry.
    schema: TokenStream,
    /// A constant assertion about its bounds, or nothing.
    check: TokenStream,
}

impl Parameter {
    fn new(field: &Field) -> Result<Self> {
        let identifier =
            field.ident.clone().ok_or_else(|| Error::new_spanned(field, "parameters have names"))?;
        let name = kebab(&identifier.to_string());
        let help = documentation(&field.attrs, field)?;
        let arguments = arguments(&field.attrs)?;
        let unit = arguments.unit.as_ref().map(syn::LitStr::value).unwrap_or_default();
        let TypeTokens { kind, default, check } = type_tokens(field, arguments, &name)?;
        let schema = quote! {
            ::stratagem_sdk::Parameter {
                name: #name,
                kind: #kind,
                unit: #unit,
                default: #default,
                help: #help,
            }
        };
        Ok(Self { identifier, name, schema, check })
    }
}

/// What depends on the type of a field.
struct TypeTokens {
    kind: TokenStream,
    default: TokenStream,
    check: TokenStream,
}

fn type_tokens(field: &Field, arguments: Arguments, name: &str) -> Result<TypeTokens> {
    let missing =
        |what: &str| Error::new_spanned(field, format!("`#[parameter({what} = ..)]` is needed here"));
    let Arguments { default, min, max, max_bytes, unit } = arguments;
    let default = default.ok_or_else(|| missing("default"))?;
    let type_name = simple_name(&field.ty);
    let is_number = type_name.as_deref() == Some("i64");
    let is_text = type_name.as_deref() == Some("String");
    let misplaced = [
        ("`min`", min.as_ref().filter(|_| !is_number)),
        ("`max`", max.as_ref().filter(|_| !is_number)),
        ("`max_bytes`", max_bytes.as_ref().filter(|_| !is_text)),
    ];
    if let Some((argument, Some(value))) = misplaced.iter().find(|(_, value)| value.is_some()) {
        return Err(Error::new_spanned(value, format!("{argument} means nothing for this type")));
    }
    if let Some(unit) = unit.filter(|_| !is_number) {
        return Err(Error::new_spanned(unit, "only a number has a unit"));
    }

    match type_name.as_deref() {
        Some("i64") => {
            let (min, max) = (min.ok_or_else(|| missing("min"))?, max.ok_or_else(|| missing("max"))?);
            Ok(number(&default, &min, &max, name))
        }
        Some("bool") => Ok(TypeTokens {
            kind: quote! { ::stratagem_sdk::ParameterType::Boolean },
            default: quote! { ::stratagem_sdk::Value::Boolean(#default) },
            check: TokenStream::new(),
        }),
        Some("String") => {
            let max_bytes = max_bytes.ok_or_else(|| missing("max_bytes"))?;
            Ok(TypeTokens {
                kind: quote! { ::stratagem_sdk::ParameterType::Text { max_bytes: #max_bytes } },
                default: quote! { ::stratagem_sdk::Value::Text(::std::string::String::from(#default)) },
                check: quote! {
                    const _: () = {
                        let text: &str = #default;
                        ::core::assert!(text.len() <= #max_bytes, "a default is longer than its `max_bytes`");
                    };
                },
            })
        }
        Some("i8" | "i16" | "i32" | "u8" | "u16" | "u32" | "u64" | "usize") => {
            Err(Error::new_spanned(&field.ty, "a number is an `i64` with bounds"))
        }
        Some("f32" | "f64") => {
            Err(Error::new_spanned(&field.ty, "there are no floats here; use an `i64` in parts per million"))
        }
        _ => {
            let choice = &field.ty;
            Ok(TypeTokens {
                kind: quote! {
                    ::stratagem_sdk::ParameterType::Choice(<#choice as ::stratagem_sdk::Choice>::WORDS)
                },
                default: quote! {
                    ::stratagem_sdk::Value::Text(::std::string::String::from(
                        <#choice as ::stratagem_sdk::Choice>::word(&#default),
                    ))
                },
                check: TokenStream::new(),
            })
        }
    }
}

fn number(default: &Expr, min: &Expr, max: &Expr, name: &str) -> TypeTokens {
    let message = format!("the default of `{name}` is outside its bounds");
    TypeTokens {
        kind: quote! { ::stratagem_sdk::ParameterType::Integer { min: #min, max: #max } },
        default: quote! { ::stratagem_sdk::Value::Integer(#default) },
        check: quote! {
            const _: () = {
                let (min, default, max): (i64, i64, i64) = (#min, #default, #max);
                ::core::assert!(min <= default && default <= max, #message);
            };
        },
    }
}

/// The type's name, if it is a plain path.
fn simple_name(field_type: &Type) -> Option<String> {
    match field_type {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    }
}
