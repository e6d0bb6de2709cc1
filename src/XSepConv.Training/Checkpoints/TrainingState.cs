using System.Text.Json;
using System.Text.Json.Serialization;

namespace XSepConv.Training;

/// <summary>
/// All of a run that is not a tensor: what is needed, with weights and velocities, to go on as if nothing had happened. There is no
/// generator state in it because every random number is drawn from (seed, epoch, step or image): the position is the state.
/// </summary>
internal sealed record TrainingState
{
    public const string MetadataKey = "xsepconv.training";

    /// <summary>Whole epochs behind the run, validation included.</summary>
    public int EpochsDone { get; init; }

    public int StepsDone { get; init; }

    public double LossSum { get; init; }

    public long Correct { get; init; }

    /// <summary>Seconds these steps took. 0 between epochs, so that a finished run's file has no clock in it.</summary>
    public double Seconds { get; init; }

    /// <summary>Seconds of these in which a step waited for its images; 0 between epochs too.</summary>
    public double WaitSeconds { get; init; }

    /// <summary>Results of the epochs, without times.</summary>
    public IReadOnlyList<EpochResult> History { get; init; } = [];

    public EvaluationResult? Test { get; init; }

    public int Threads { get; init; }

    public int Processes { get; init; } = 1;

    public string Device { get; init; } = "";

    /// <summary>The options and the data, in words, for comparison with those of a resumed run.</summary>
    public required SortedDictionary<string, string> Settings { get; init; }

    [JsonIgnore]
    public EpochResult? BestEpoch => History.LastOrDefault(result => result.Best);

    /// <summary>Whether the weights beside it are those of the best epoch, so that these can be written again.</summary>
    [JsonIgnore]
    public bool HoldsBest => StepsDone == 0 && Test is null && History is [.., { Best: true }];

    public string ToJson() => JsonSerializer.Serialize(this, CheckpointJson.Default.TrainingState);

    /// <summary>Reads the state of a checkpoint; nothing in it is believed.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static TrainingState FromJson(string json, string path)
    {
        TrainingState state;
        try
        {
            state = JsonSerializer.Deserialize(json, CheckpointJson.Default.TrainingState) ?? throw new JsonException("it is null");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path}: the metadata '{MetadataKey}' can't be read: {e.Message}", e);
        }

        var fits = state.EpochsDone >= 0 && state.StepsDone >= 0 && state.Correct >= 0 && double.IsFinite(state.LossSum)
            && state.Settings is not null
            && state.History is not null && state.History.Count == state.EpochsDone
                && state.History.Select((result, i) => result?.Epoch == i + 1).All(right => right);
        return fits ? state : throw new InvalidDataException($"{path}: the metadata '{MetadataKey}' contradicts itself.");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TrainingState))]
[JsonSerializable(typeof(EpochResult))]
internal sealed partial class CheckpointJson : JsonSerializerContext;
