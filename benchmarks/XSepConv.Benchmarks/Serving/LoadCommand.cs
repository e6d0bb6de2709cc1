using System.CommandLine;
using System.Globalization;

namespace XSepConv.Benchmarks.Serving;

/// <summary>The command that loads <c>samples/Serve</c> with clients, and holds its answers to those of <c>xsepconv predict</c>.</summary>
internal static class LoadCommand
{
    public static Command Create()
    {
        var url = new Option<string>("--url")
        {
            Description = "Where the service listens.",
            DefaultValueFactory = _ => "http://127.0.0.1:5000",
        };
        url.Validators.Add(result =>
        {
            if (!Uri.TryCreate(result.GetValueOrDefault<string>(), UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttp)
                result.AddError($"--url is '{result.GetValueOrDefault<string>()}'; give one such as http://127.0.0.1:5000.");
        });
        var predicted = new Option<FileInfo>("--predicted")
        {
            Description = "What 'xsepconv predict --json' printed of the same checkpoint: the pictures to send, and their answers.",
            Required = true,
        };
        var clients = Whole("--clients", 64, 4096, "Clients, each of which sends its next picture when it has the answer to the last.");
        var requests = Whole("--requests", 1000, 10_000_000, "Requests that are measured, of all clients together.");
        var warmUp = Whole("--warm-up", 300, 10_000_000, "Requests before those, in which both sides compile their code.");
        var toTheEnd = new Option<bool>("--to-the-end") { Description = "Go on until the service takes no more connections." };
        var command = new Command("load", "Requests a second and memory of samples/Serve, every answer compared with that of predict.")
        {
            url, predicted, clients, requests, warmUp, toTheEnd,
        };
        command.SetAction(async (parse, cancel) =>
        {
            var pictures = SentPicture.Of(parse.GetValue(predicted)!.FullName);
            using var load = new Load(new Uri(parse.GetValue(url)!), pictures, parse.GetValue(clients));
            if (parse.GetValue(toTheEnd))
            {
                var all = await load.Run(int.MaxValue, cancel);
                Console.WriteLine(all);
                return all.IsAsExpected(toTheEnd: true) ? 0 : 1;
            }

            var cold = await load.ResidentMemory(cancel);
            await load.Run(parse.GetValue(warmUp), cancel);
            var result = await load.Run(parse.GetValue(requests), cancel);
            Console.WriteLine(result);
            var warm = result.Memory.Append(await load.ResidentMemory(cancel)).Select(Megabytes);
            Console.WriteLine($"memory of the service in MB: {Megabytes(cold)} at first, then warm {string.Join(' ', warm)}");
            return result.IsAsExpected(toTheEnd: false) ? 0 : 1;
        });
        return command;
    }

    private static string Megabytes(long bytes) => (bytes / 1e6).ToString("0.0", CultureInfo.InvariantCulture);

    private static Option<int> Whole(string name, int usual, int most, string description)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => usual };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && (result.GetValueOrDefault<int>() < 1 || result.GetValueOrDefault<int>() > most))
                result.AddError($"{name} is {result.Tokens[0].Value}; give a number from 1 to {most}.");
        });
        return option;
    }
}
