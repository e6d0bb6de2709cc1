using XSepConv;
using XSepConv.Cli;
using XSepConv.Cli.ComparedRuns;
using XSepConv.Cli.Startup;

GlibcAllocator.Tune();
OpenMpWaiting.SleepSoon();
StandardStreams.Guard();
return args is [RunWorker.Verb, var folder, var run] ? RunWorker.Run(folder, run) : Tool.Run(args);
