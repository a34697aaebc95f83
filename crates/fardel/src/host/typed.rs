//! Rust functions as host functions: the signature follows from the Rust types, so that the two cannot disagree.

use super::context::HostContext;
use fardel_vm::door::{HostSignature, HostType};
use fardel_vm::fiber::FiberId;
use fardel_vm::value::Value;

/// A Rust type whose values programs take and give: as arguments and results of functions, and as messages.
///
/// A type of your own is a record or a variant, which the machine knows by its name, with its fields in their order:
///
/// ```
/// use fardel::{HostType, HostValue, Hosts, Program, Runtime, Settings, Value};
///
/// #[derive(PartialEq, Debug)]
/// struct Point {
///     x: i64,
///     y: i64,
/// }
///
/// impl HostValue for Point {
///     fn host_type() -> HostType {
///         HostType::Any
///     }
///
///     fn from_value(value: Value) -> Result<Self, Value> {
///         match value {
///             Value::Record(name, fields) if name == "Point" => {
///                 let (x, y) = HostValue::from_value(Value::Tuple(fields))?;
///                 Ok(Point { x, y })
///             }
///             other => Err(other),
///         }
///     }
///
///     fn into_value(self) -> Value {
///         Value::Record("Point".into(), vec![self.x.into_value(), self.y.into_value()])
///     }
/// }
///
/// let source = "
///     type Point { x: Int, y: Int }
///     fn main(port: Address) receives Point
///         await_type Point
///         push 0
///         with Point.x
///         send port
///         ret
///     end
/// ";
/// let mut runtime = Runtime::new(Settings::default(), Hosts::none());
/// let module = runtime.load(Program::from_text("point.fda", source)?)?;
/// let port = runtime.open_port()?;
/// let fiber = runtime.spawn(module, "main", (port,))?;
/// runtime.send(fiber, Point { x: 1, y: 2 })?;
/// assert_eq!(runtime.receive(port)?, Some(Point { x: 0, y: 2 }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait HostValue: Sized {
    /// The type that programs see; Any for one that only programs declare.
    fn host_type() -> HostType;

    /// Takes a value as this type.
    ///
    /// # Errors
    /// Gives the value back when it is of another type.
    fn from_value(value: Value) -> Result<Self, Value>;

    /// Gives it as a value.
    fn into_value(self) -> Value;
}

macro_rules! scalars {
    ($($ty:ty, $host:ident, $value:ident;)*) => {$(
        impl HostValue for $ty {
            fn host_type() -> HostType {
                HostType::$host
            }

            fn from_value(value: Value) -> Result<Self, Value> {
                if let Value::$value(inner) = value { Ok(inner) } else { Err(value) }
            }

            fn into_value(self) -> Value {
                Value::$value(self)
            }
        }
    )*};
}

scalars! {
    bool, Bool, Bool;
    i64, Int, Int;
    f64, Float, Float;
    String, Text, Text;
    Vec<u8>, Bytes, Bytes;
    FiberId, Address, Address;
}

impl HostValue for Value {
    fn host_type() -> HostType {
        HostType::Any
    }

    fn from_value(value: Value) -> Result<Self, Value> {
        Ok(value)
    }

    fn into_value(self) -> Value {
        self
    }
}

impl<T: HostValue> HostValue for Option<T> {
    fn host_type() -> HostType {
        HostType::Option(Box::new(T::host_type()))
    }

    fn from_value(value: Value) -> Result<Self, Value> {
        if value == Value::Null { Ok(None) } else { T::from_value(value).map(Some) }
    }

    fn into_value(self) -> Value {
        self.map_or(Value::Null, T::into_value)
    }
}

impl<T: HostValue> HostValue for Vec<T> {
    fn host_type() -> HostType {
        HostType::List(Box::new(T::host_type()))
    }

    fn from_value(value: Value) -> Result<Self, Value> {
        let Value::List(items) = value else { return Err(value) };
        items.into_iter().map(T::from_value).collect()
    }

    fn into_value(self) -> Value {
        Value::List(self.into_iter().map(T::into_value).collect())
    }
}

/// The arguments of a fiber's function: `()`, or a tuple of up to eight [`HostValue`]s.
pub trait Arguments {
    /// Gives them as values.
    fn into_values(self) -> Vec<Value>;
}

impl Arguments for () {
    fn into_values(self) -> Vec<Value> {
        Vec::new()
    }
}

macro_rules! tuples {
    ($(($($item:ident)*))*) => {$(
        #[allow(non_snake_case)]
        impl<$($item: HostValue),*> HostValue for ($($item,)*) {
            fn host_type() -> HostType {
                HostType::Tuple(vec![$($item::host_type()),*])
            }

            fn from_value(value: Value) -> Result<Self, Value> {
                let Value::Tuple(items) = value else { return Err(value) };
                let [$($item),*] = items.try_into().map_err(Value::Tuple)?;
                Ok(($($item::from_value($item)?,)*))
            }

            fn into_value(self) -> Value {
                Value::Tuple(self.into_values())
            }
        }

        #[allow(non_snake_case)]
        impl<$($item: HostValue),*> Arguments for ($($item,)*) {
            fn into_values(self) -> Vec<Value> {
                let ($($item,)*) = self;
                vec![$($item.into_value()),*]
            }
        }
    )*};
}

tuples! {
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E F)
    (A B C D E F G)
    (A B C D E F G H)
}

/// A Rust type that can be the result of a host function: a [`HostValue`], or `()` for none.
pub trait HostReturn {
    /// The type that programs see.
    fn host_type() -> Option<HostType>;

    /// Gives it as a value; [`Value::Null`] stands for no result.
    fn into_value(self) -> Value;
}

impl HostReturn for () {
    fn host_type() -> Option<HostType> {
        None
    }

    fn into_value(self) -> Value {
        Value::Null
    }
}

impl<T: HostValue> HostReturn for T {
    fn host_type() -> Option<HostType> {
        Some(T::host_type())
    }

    fn into_value(self) -> Value {
        HostValue::into_value(self)
    }
}

/// A Rust function of up to four parameters that can be a host function.
///
/// `Args` is the tuple of its parameters; the compiler finds it. An error is what the program sees of the trap `host`.
pub trait HostFunction<Args> {
    /// Its signature.
    fn signature() -> HostSignature;

    /// Calls it.
    ///
    /// # Errors
    /// The function's own, or that the arguments are not of its types.
    fn call(&self, args: Vec<Value>) -> Result<Value, String>;
}

/// As [`HostFunction`], for functions that use what belongs to the driver.
pub(crate) trait ContextFunction<Args> {
    fn signature() -> HostSignature;

    fn call(&self, context: &mut HostContext, args: Vec<Value>) -> Result<Value, String>;
}

macro_rules! functions {
    ($(($($param:ident)*))*) => {$(
        impl<Function, Return, $($param),*> HostFunction<($($param,)*)> for Function
        where
            Function: Fn($($param),*) -> Result<Return, String>,
            Return: HostReturn,
            $($param: HostValue,)*
        {
            fn signature() -> HostSignature {
                HostSignature { params: vec![$($param::host_type()),*], result: Return::host_type(), draws: false }
            }

            fn call(&self, args: Vec<Value>) -> Result<Value, String> {
                #[allow(unused_mut, unused_variables)]
                let mut args = Incoming { args: args.into_iter(), taken: 0 };
                self($(args.take::<$param>()?),*).map(Return::into_value)
            }
        }

        impl<Function, Return, $($param),*> ContextFunction<($($param,)*)> for Function
        where
            Function: Fn(&mut HostContext, $($param),*) -> Result<Return, String>,
            Return: HostReturn,
            $($param: HostValue,)*
        {
            fn signature() -> HostSignature {
                HostSignature { params: vec![$($param::host_type()),*], result: Return::host_type(), draws: false }
            }

            fn call(&self, context: &mut HostContext, args: Vec<Value>) -> Result<Value, String> {
                #[allow(unused_mut, unused_variables)]
                let mut args = Incoming { args: args.into_iter(), taken: 0 };
                self(context, $(args.take::<$param>()?),*).map(Return::into_value)
            }
        }
    )*};
}

functions! {
    ()
    (A)
    (A B)
    (A B C)
    (A B C D)
}

struct Incoming {
    args: std::vec::IntoIter<Value>,
    taken: usize,
}

impl Incoming {
    // The machine hands over what the signature says; this is for whoever drives the functions otherwise.
    fn take<T: HostValue>(&mut self) -> Result<T, String> {
        self.taken += 1;
        let value = self.args.next();
        let value = value.ok_or_else(|| format!("argument {} is missing, wanted {}", self.taken, wanted_text::<T>()))?;
        T::from_value(value).map_err(|value| format!("argument {} is {value:?}, wanted {}", self.taken, wanted_text::<T>()))
    }
}

/// A Rust type as messages name it: as programs do, and by its own name where they have none for it.
pub(crate) fn wanted_text<T: HostValue>() -> String {
    let ty = T::host_type();
    if ty == HostType::Any { std::any::type_name::<T>().to_owned() } else { type_text(&ty) }
}

/// The type as written in assembly text.
pub(crate) fn type_text(ty: &HostType) -> String {
    match ty {
        HostType::Any => "Any".into(),
        HostType::Bool => "Bool".into(),
        HostType::Int => "Int".into(),
        HostType::Float => "Float".into(),
        HostType::Text => "Text".into(),
        HostType::Bytes => "Bytes".into(),
        HostType::Address => "Address".into(),
        HostType::Option(inner) => format!("Option<{}>", type_text(inner)),
        HostType::List(inner) => format!("List<{}>", type_text(inner)),
        HostType::Tuple(items) => match &items[..] {
            [item] => format!("({},)", type_text(item)),
            items => format!("({})", items.iter().map(type_text).collect::<Vec<_>>().join(", ")),
        },
    }
}

/// The signature as it follows the function's name in assembly text.
pub(crate) fn signature_text(signature: &HostSignature) -> String {
    let params = signature.params.iter().map(type_text).collect::<Vec<_>>().join(", ");
    match &signature.result {
        None => format!("({params})"),
        Some(result) => format!("({params}) -> {}", type_text(result)),
    }
}
