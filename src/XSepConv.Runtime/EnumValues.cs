using System.Runtime.CompilerServices;

namespace XSepConv;

/// <summary>
/// What is said of a value that an enum does not have. Wherever one turns up it is refused: taken for another one, it would be silently
/// wrong.
/// </summary>
internal static class EnumValues
{
    public static ArgumentOutOfRangeException Unknown<T>(T value, [CallerArgumentExpression(nameof(value))] string name = "")
        where T : struct, Enum =>
        new(name, value, $"{typeof(T).Name} {value} is unknown; known are {Known<T>()}.");

    public static void Require<T>(T value, [CallerArgumentExpression(nameof(value))] string name = "")
        where T : struct, Enum
    {
        if (!Enum.IsDefined(value)) throw Unknown(value, name);
    }

    /// <summary>The same as a line in a list of problems; null where there is none.</summary>
    public static string? Problem<T>(string what, T value)
        where T : struct, Enum => Enum.IsDefined(value) ? null : $"{what} is {value}, known are {Known<T>()}";

    private static string Known<T>()
        where T : struct, Enum
    {
        var names = Enum.GetNames<T>();
        return $"{string.Join(", ", names[..^1])} and {names[^1]}";
    }
}
