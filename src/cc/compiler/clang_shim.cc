// SPDX-License-Identifier: Apache-2.0
/*
 * The only C++ file, and the only one that depends on LLVM's version. It runs clang in process over
 * files held in memory, and has the few queries that LLVM-C lacks. Clang sees the real file system,
 * limited to what the request allows it to read, with a tree of virtual files on top (see
 * compiler.h). Every real file that is read, or looked for and not found, is recorded as a
 * dependency of the compile.
 */
#include <clang/AST/Attr.h>
#include <clang/AST/Decl.h>
#include <clang/AST/RecordLayout.h>
#include <clang/AST/RecursiveASTVisitor.h>
#include <clang/Basic/Diagnostic.h>
#include <clang/Basic/DiagnosticSema.h>
#include <clang/Basic/FileManager.h>
#include <clang/Basic/SourceManager.h>
#include <clang/Basic/TargetBuiltins.h>
#include <clang/CodeGen/CodeGenAction.h>
#include <clang/Frontend/CompilerInstance.h>
#include <clang/Frontend/CompilerInvocation.h>
#include <clang/Frontend/FrontendActions.h>
#include <clang/Frontend/MultiplexConsumer.h>
#include <clang/Frontend/TextDiagnosticPrinter.h>
#include <clang/Frontend/Utils.h>
#include <clang/Lex/MacroArgs.h>
#include <clang/Lex/MacroInfo.h>
#include <clang/Lex/PPCallbacks.h>
#include <clang/Lex/Preprocessor.h>
#include <clang/Sema/Sema.h>
#include <clang/Serialization/ASTWriter.h>
#include <clang/Serialization/PCHContainerOperations.h>
#include <llvm/ADT/StringMap.h>
#include <llvm/ADT/StringSet.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Passes/PassPlugin.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/Path.h>
#include <llvm/Support/VirtualFileSystem.h>

#define XXH_INLINE_ALL
#include <unistd.h>
#include <xxhash.h>

#include <functional>
#include <set>
#include <vector>

#include "compiler/clang_shim.h"
#include "compiler/answer.h"

extern "C" {
#include "compiler/read_scope.h"
}

using llvm::ErrorOr;
using llvm::StringRef;
using llvm::Twine;
namespace vfs = llvm::vfs;
namespace path = llvm::sys::path;

namespace
{

std::error_code no_such_file()
{
	return std::make_error_code(std::errc::no_such_file_or_directory);
}

/* Why a file that exists is not opened; clang prints the message after "cannot open file". */
class RefusalCategory : public std::error_category
{
	const char *name() const noexcept override
	{
		return "ebcc";
	}

	std::string message(int errnum) const override
	{
		return errnum == EXDEV
			       ? "it is outside of what this compile may read: the directories of "
				 "the source, of the kernel's headers, and those that flags such "
				 "as "
				 "-I name"
			       : "it is not a regular file";
	}

      public:
	static std::error_code make(int errnum)
	{
		static const RefusalCategory category;

		if (errnum == EXDEV || errnum == EINVAL)
			return std::error_code(errnum, category);
		return std::error_code(errnum, std::generic_category());
	}
};

/* A file whose contents are in memory. Each open gets a copy: buffers may outlive the file. */
class MemoryFile : public vfs::File
{
	vfs::Status stat;
	std::unique_ptr<llvm::MemoryBuffer> contents;

      public:
	MemoryFile(vfs::Status stat, std::unique_ptr<llvm::MemoryBuffer> contents)
	    : stat(std::move(stat)), contents(std::move(contents))
	{
	}

	ErrorOr<vfs::Status> status() override
	{
		return stat;
	}

	ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> getBuffer(const Twine &name, int64_t, bool,
							       bool) override
	{
		return llvm::MemoryBuffer::getMemBufferCopy(contents->getBuffer(), name);
	}

	std::error_code close() override
	{
		return {};
	}
};

/* The real file system, with the request's own files on top. */
class RequestFileSystem : public vfs::ProxyFileSystem
{
	struct Entry {
		StringRef text;
		llvm::sys::fs::UniqueID id;
	};

	const ebcc_cc_request &request;
	ebcc_cc_answer *answer; /* NULL: don't record dependencies */
	llvm::StringMap<Entry> files;
	/* Clang tells directories apart by their ids, and drops search paths that seem the same. */
	llvm::StringMap<llvm::sys::fs::UniqueID> directories;
	llvm::StringSet<> recorded;

	void add(StringRef name, StringRef text)
	{
		std::string absolute = normalize(name);

		files[absolute] = {text, vfs::getNextVirtualUniqueID()};
		for (StringRef dir = path::parent_path(absolute); !dir.empty() && dir != "/";
		     dir = path::parent_path(dir))
			directories.try_emplace(dir, vfs::getNextVirtualUniqueID());
	}

	std::string normalize(const Twine &name) const
	{
		llvm::SmallString<256> absolute;

		name.toVector(absolute);
		(void)makeAbsolute(absolute);
		path::remove_dots(absolute, true);
		return std::string(absolute);
	}

	void record(StringRef name, uint64_t hash, bool missing)
	{
		if (answer && recorded.insert(name).second)
			ebcc_cc_answer_add_dependency(answer, name.str().c_str(), hash, missing);
	}

	/* The virtual file of that name. Empty kernel headers are made when first looked up. */
	const Entry *find(StringRef name)
	{
		auto found = files.find(name);

		if (found != files.end())
			return &found->second;
		if (!is_kernel_header(name))
			return nullptr;
		return &(files[name] = {StringRef(""), vfs::getNextVirtualUniqueID()});
	}

	bool is_kernel_header(StringRef name) const
	{
		static const char *const directories[] = {
			"acpi",	 "asm",		"asm-generic", "block",	    "clocksource", "crypto",
			"drm",	 "dt-bindings", "fs",	       "generated", "keys",	   "kernel",
			"kunit", "kvm",		"linux",       "math-emu",  "media",	   "memory",
			"misc",	 "mm",		"mtd",	       "net",	    "pcmcia",	   "ras",
			"rdma",	 "rv",		"scsi",	       "soc",	    "sound",	   "target",
			"trace", "uapi",	"vdso",	       "video",	    "xen",
		};

		if (request.flags & EBCC_CC_HEADERS || !name.ends_with(".h") ||
		    !name.consume_front(EBCC_CC_KERNEL_INCLUDE "/"))
			return false;
		StringRef first = name.split('/').first;
		return first != name && std::any_of(std::begin(directories), std::end(directories),
						    [&](const char *dir) { return first == dir; });
	}

	static bool is_virtual(StringRef name)
	{
		return name == EBCC_CC_ROOT || name.starts_with(EBCC_CC_ROOT "/");
	}

	/* A directory that exists because it holds a virtual file, or might hold one. */
	bool is_virtual_directory(StringRef name) const
	{
		StringRef rest = name;

		return directories.contains(name) ||
		       (rest.consume_front(EBCC_CC_KERNEL_INCLUDE) && !rest.ends_with(".h") &&
			(rest.empty() || rest.starts_with("/")));
	}

	ErrorOr<vfs::Status> directory_status(const Twine &twine, StringRef name)
	{
		if (!is_virtual_directory(name))
			return no_such_file();
		auto known = directories.try_emplace(name, llvm::sys::fs::UniqueID());
		if (known.second)
			known.first->second = vfs::getNextVirtualUniqueID();
		return vfs::Status(twine, known.first->second, {}, 0, 0, 0,
				   llvm::sys::fs::file_type::directory_file,
				   llvm::sys::fs::all_read);
	}

	static vfs::Status file_status(const Twine &name, const Entry &entry)
	{
		return vfs::Status(name, entry.id, {}, 0, 0, entry.text.size(),
				   llvm::sys::fs::file_type::regular_file, llvm::sys::fs::all_read);
	}

      public:
	RequestFileSystem(const ebcc_clang_input &input, StringRef source_path,
			  ebcc_cc_answer *answer)
	    : ProxyFileSystem(vfs::createPhysicalFileSystem()), request(*input.request),
	      answer(answer)
	{
		if (request.working_directory)
			(void)setCurrentWorkingDirectory(request.working_directory);
		for (size_t i = 0; i < input.builtin_count; i++)
			add(input.builtin[i].path,
			    StringRef(input.builtin[i].text, input.builtin[i].size));
		for (size_t i = 0; i < request.file_count; i++)
			add(request.files[i].path,
			    StringRef(request.files[i].text, request.files[i].size));
		add(source_path, StringRef(request.source, request.source_size));
	}

	ErrorOr<vfs::Status> status(const Twine &twine) override
	{
		std::string name = normalize(twine);

		if (const Entry *entry = find(name))
			return file_status(twine, *entry);
		if (is_virtual(name))
			return directory_status(twine, name);
		ErrorOr<vfs::Status> real = ProxyFileSystem::status(twine);
		if (real)
			return real;
		record(name, 0, true);
		/* The directory of a source may not be on disk. */
		return directory_status(twine, name);
	}

	bool exists(const Twine &name) override
	{
		return bool(status(name));
	}

	ErrorOr<std::unique_ptr<vfs::File>> openFileForRead(const Twine &twine) override
	{
		std::string name = normalize(twine);

		if (const Entry *entry = find(name))
			return std::make_unique<MemoryFile>(
				file_status(twine, *entry),
				llvm::MemoryBuffer::getMemBufferCopy(entry->text, twine));
		if (is_virtual(name))
			return no_such_file();
		return open_real(twine, name);
	}

	/* Opens a file if the request allows reading it. */
	ErrorOr<int> open_readable(const Twine &twine, StringRef name)
	{
		llvm::SmallString<256> absolute;

		twine.toVector(absolute);
		(void)makeAbsolute(absolute);
		int fd = ebcc_read_scope_open(request.readable, request.readable_count,
					      absolute.c_str());
		if (fd >= 0)
			return fd;
		int errnum = errno;
		auto stat = ProxyFileSystem::status(twine);
		if (!stat) {
			record(name, 0, true);
			return stat.getError();
		}
		if (stat->isDirectory())
			return std::make_error_code(std::errc::is_a_directory);
		return RefusalCategory::make(errnum);
	}

	ErrorOr<std::unique_ptr<vfs::File>> open_real(const Twine &twine, StringRef name)
	{
		ErrorOr<int> fd = open_readable(twine, name);

		if (!fd)
			return fd.getError();
		llvm::sys::fs::file_status status;
		std::error_code failed = llvm::sys::fs::status(*fd, status);
		/* Marked volatile, so that it is read and not mapped. */
		auto contents = llvm::MemoryBuffer::getOpenFile(*fd, twine, -1, true, true);
		close(*fd);
		if (failed)
			return failed;
		if (!contents)
			return contents.getError();
		auto stat = vfs::Status::copyWithNewName(status, twine);
		record(name, XXH64((*contents)->getBufferStart(), (*contents)->getBufferSize(), 0),
		       false);
		/* The size as read, not as stat saw it: the file may have changed in between. */
		auto same =
			vfs::Status(twine, stat.getUniqueID(), stat.getLastModificationTime(),
				    stat.getUser(), stat.getGroup(), (*contents)->getBufferSize(),
				    stat.getType(), stat.getPermissions());
		return std::make_unique<MemoryFile>(same, std::move(*contents));
	}
};

/* Names of functions in the kernel's headers whose bodies clang can't parse: some need headers that
 * no package installs, some need features that only gcc has. Few sources call them. */
using BrokenFunctions = llvm::StringSet<>;

/* Tells the parser which bodies to leave out. */
class BodySkipper : public clang::ASTConsumer
{
	const BrokenFunctions &broken;

	bool shouldSkipFunctionBody(clang::Decl *declaration) override
	{
		const auto *function = llvm::dyn_cast<clang::FunctionDecl>(declaration);

		return function && function->getIdentifier() &&
		       broken.contains(function->getName());
	}

      public:
	explicit BodySkipper(const BrokenFunctions &broken) : broken(broken)
	{
	}

	/* Returns @consumer, extended to leave out the bodies of those functions. */
	static std::unique_ptr<clang::ASTConsumer> add(std::unique_ptr<clang::ASTConsumer> consumer,
						       const BrokenFunctions &broken)
	{
		std::vector<std::unique_ptr<clang::ASTConsumer>> both;

		if (broken.empty() || !consumer)
			return consumer;
		both.push_back(std::move(consumer));
		both.push_back(std::make_unique<BodySkipper>(broken));
		return std::make_unique<clang::MultiplexConsumer>(std::move(both));
	}
};

/* Turns each of clang's diagnostics into one of the answer's, rendered as clang prints it. */
class AnswerDiagnostics : public clang::DiagnosticConsumer
{
	clang::CompilerInstance &compiler;
	BrokenFunctions *broken; /* NULL: don't look for them */
	ebcc_cc_answer *answer;	 /* NULL: drop diagnostics */
	llvm::IntrusiveRefCntPtr<clang::DiagnosticOptions> options;
	std::string text;
	llvm::raw_string_ostream stream{text};
	clang::TextDiagnosticPrinter printer{stream, options.get()};
	bool dropped_last = false;
	/* An undeclared function was called that compiler/passes/library.c doesn't implement. */
	bool undeclared = false;

	/* C library functions that need no declaration: there is no header to include. */
	static bool is_known_function(const clang::Diagnostic &info)
	{
		static const char *const names[] = {
			"bcmp",	   "bzero",   "memchr",	  "memcmp",  "memcpy", "memmove",
			"mempcpy", "memset",  "snprintf", "sprintf", "stpcpy", "strcat",
			"strchr",  "strcmp",  "strcpy",	  "strcspn", "strlen", "strncat",
			"strncmp", "strncpy", "strpbrk",  "strrchr", "strspn", "strstr",
		};
		StringRef name;

		if (info.getArgKind(0) == clang::DiagnosticsEngine::ak_std_string)
			name = info.getArgStdStr(0);
		else if (info.getArgKind(0) == clang::DiagnosticsEngine::ak_c_string)
			name = info.getArgCStr(0);
		return std::any_of(std::begin(names), std::end(names),
				   [&](const char *known) { return name == known; });
	}

	static ebcc_cc_severity severity(clang::DiagnosticsEngine::Level level)
	{
		switch (level) {
		case clang::DiagnosticsEngine::Fatal:
			return EBCC_CC_FATAL;
		case clang::DiagnosticsEngine::Error:
			return EBCC_CC_ERROR;
		case clang::DiagnosticsEngine::Warning:
			return EBCC_CC_WARNING;
		default:
			return EBCC_CC_NOTE;
		}
	}

	/* Calling an undeclared function is an error, as in clang, except for functions that we
	 * implement: clang may declare those implicitly. */
	bool is_undeclared(const clang::Diagnostic &info) const
	{
		return info.getID() == clang::diag::ext_implicit_lib_function_decl_c99 &&
		       !is_known_function(info);
	}

	/* Warnings about virtual headers are useless to the user. Their notes are dropped with
	 * them. */
	bool is_unwanted(clang::DiagnosticsEngine::Level level, StringRef file)
	{
		if (level == clang::DiagnosticsEngine::Note)
			return dropped_last;
		dropped_last = level < clang::DiagnosticsEngine::Error &&
			       (file.starts_with(EBCC_CC_ROOT) ||
				level == clang::DiagnosticsEngine::Remark);
		return dropped_last;
	}

	/* If the error is inside a function of a kernel header, remembers that function. */
	void note_broken(const clang::Diagnostic &info)
	{
		if (!broken || !compiler.hasSema() || info.getLocation().isInvalid())
			return;
		const clang::FunctionDecl *function = compiler.getSema().getCurFunctionDecl();
		const clang::SourceManager &sources = info.getSourceManager();

		if (function && function->getIdentifier() &&
		    sources.isInSystemHeader(function->getLocation()) &&
		    !sources.getFilename(sources.getFileLoc(function->getLocation()))
			     .starts_with(EBCC_CC_ROOT "/"))
			broken->insert(function->getName());
	}

      public:
	AnswerDiagnostics(clang::CompilerInstance &compiler, ebcc_cc_answer *answer,
			  BrokenFunctions *broken,
			  llvm::IntrusiveRefCntPtr<clang::DiagnosticOptions> options)
	    : compiler(compiler), broken(broken), answer(answer), options(std::move(options))
	{
	}

	/* Whether we reported an error that clang doesn't count as one. */
	bool has_own_errors() const
	{
		return undeclared;
	}

	void BeginSourceFile(const clang::LangOptions &language,
			     const clang::Preprocessor *preprocessor) override
	{
		printer.BeginSourceFile(language, preprocessor);
	}

	void EndSourceFile() override
	{
		printer.EndSourceFile();
	}

	void HandleDiagnostic(clang::DiagnosticsEngine::Level level,
			      const clang::Diagnostic &info) override
	{
		llvm::SmallString<256> message;
		std::string file;
		unsigned line = 0, column = 0;

		if (is_undeclared(info)) {
			level = clang::DiagnosticsEngine::Error;
			undeclared = true;
		}
		DiagnosticConsumer::HandleDiagnostic(level, info);
		if (level >= clang::DiagnosticsEngine::Error)
			note_broken(info);
		if (info.getLocation().isValid() && info.hasSourceManager()) {
			/* Inside a macro, the place where it is expanded; inside its arguments,
			 * their own place. */
			const clang::SourceManager &sources = info.getSourceManager();
			clang::PresumedLoc where =
				sources.getPresumedLoc(sources.getFileLoc(info.getLocation()));

			if (where.isValid()) {
				file = where.getFilename();
				line = where.getLine();
				column = where.getColumn();
			}
		}
		if (!answer || is_unwanted(level, file))
			return;
		info.FormatDiagnostic(message);
		text.clear();
		printer.HandleDiagnostic(level, info);
		ebcc_cc_answer_add_diagnostic(answer, severity(level), file.c_str(), line, column,
					      message.c_str(), stream.str().c_str());
	}
};

/*
 * A struct defined inside an argument of a dialect macro may contain commas, which would end the
 * argument. Here they get the flag that clang has for Microsoft's preprocessor, which makes a comma
 * an ordinary token. The flag lasts for one expansion, so each nested macro marks them again. The
 * user's own call is not affected: those macros take `...`, and its arguments keep their commas.
 */
class CommasInBraces : public clang::PPCallbacks
{
	const clang::SourceManager &sources;

	bool is_dialect(const clang::MacroInfo &macro) const
	{
		return sources.getFilename(macro.getDefinitionLoc())
			.starts_with(EBCC_CC_DIALECT_INCLUDE "/");
	}

	static void mark(clang::Token *token)
	{
		for (unsigned braces = 0; token->isNot(clang::tok::eof); token++) {
			if (token->is(clang::tok::l_brace))
				braces++;
			else if (token->is(clang::tok::r_brace) && braces)
				braces--;
			else if (token->is(clang::tok::comma) && braces)
				token->setFlag(clang::Token::IgnoredComma);
		}
	}

	void MacroExpands(const clang::Token &, const clang::MacroDefinition &definition,
			  clang::SourceRange, const clang::MacroArgs *arguments) override
	{
		const clang::MacroInfo *macro = definition.getMacroInfo();

		if (!arguments || !macro || !is_dialect(*macro))
			return;
		for (unsigned i = 0; i < arguments->getNumMacroArguments(); i++)
			mark(const_cast<clang::Token *>(arguments->getUnexpArgument(i)));
	}

      public:
	explicit CommasInBraces(const clang::Preprocessor &preprocessor)
	    : sources(preprocessor.getSourceManager())
	{
	}
};

class PreprocessAction : public clang::PreprocessorFrontendAction
{
	llvm::raw_ostream &out;

	void ExecuteAction() override
	{
		clang::CompilerInstance &compiler = getCompilerInstance();
		clang::Preprocessor &preprocessor = compiler.getPreprocessor();

		preprocessor.addPPCallbacks(std::make_unique<CommasInBraces>(preprocessor));
		clang::DoPrintPreprocessedInput(preprocessor, &out,
						compiler.getPreprocessorOutputOpts());
	}

      public:
	explicit PreprocessAction(llvm::raw_ostream &out) : out(out)
	{
	}
};

/*
 * Disables inline assembly in kernel headers that the source includes after the preamble, without
 * touching the source's own: while a kernel header is being read, keywords such as asm are defined
 * as the macros that the preamble keeps for them (bpf/ebcc/kernel_begin.h).
 */
class KernelHeaderKeywords : public clang::PPCallbacks
{
	clang::Preprocessor &preprocessor;
	bool defined = false;

	void define(const char *keyword, const char *saved_macro)
	{
		clang::MacroInfo *macro =
			preprocessor.getMacroInfo(preprocessor.getIdentifierInfo(saved_macro));

		if (macro)
			preprocessor.appendDefMacroDirective(
				preprocessor.getIdentifierInfo(keyword), macro);
	}

	void undefine(const char *keyword, clang::SourceLocation where)
	{
		clang::IdentifierInfo *name = preprocessor.getIdentifierInfo(keyword);

		if (preprocessor.isMacroDefined(name))
			preprocessor.appendMacroDirective(
				name, new (preprocessor.getPreprocessorAllocator())
					      clang::UndefMacroDirective(where));
	}

	void FileChanged(clang::SourceLocation where, FileChangeReason reason,
			 clang::SrcMgr::CharacteristicKind kind, clang::FileID) override
	{
		static const char *const keywords[][2] = {
			{"volatile", "__EBCC_KEYWORD_volatile"},
			{"__volatile__", "__EBCC_KEYWORD_volatile"},
			{"__volatile", "__EBCC_KEYWORD_volatile"},
			{"goto", "__EBCC_KEYWORD_goto"},
			{"asm", "__EBCC_KEYWORD_asm"},
			{"__asm__", "__EBCC_KEYWORD_asm"},
			{"__asm", "__EBCC_KEYWORD_asm"},
			{"register", "__EBCC_KEYWORD_register"},
		};
		StringRef file = preprocessor.getSourceManager().getFilename(where);
		bool kernel = clang::SrcMgr::isSystem(kind) && !file.starts_with(EBCC_CC_ROOT "/");

		if (reason != EnterFile && reason != ExitFile)
			return;
		/* Within the preamble they are macros already. */
		if (kernel == defined ||
		    (kernel &&
		     preprocessor.isMacroDefined(preprocessor.getIdentifierInfo(keywords[0][0]))))
			return;
		defined = kernel;
		for (const auto &keyword : keywords) {
			if (kernel)
				define(keyword[0], keyword[1]);
			else
				undefine(keyword[0], where);
		}
	}

      public:
	explicit KernelHeaderKeywords(clang::Preprocessor &preprocessor)
	    : preprocessor(preprocessor)
	{
	}
};

/* Refuses conditions on the kernel's configuration: a portable object learns it at load time. The
 * names are not macros here, so the preprocessor would silently treat them as unset. */
class ConfigurationConditions : public clang::PPCallbacks
{
	clang::Preprocessor &preprocessor;
	/* Names after #ifndef, which may be defined right after it, as by an include guard. */
	std::vector<clang::Token> guards;

	void report(const clang::Token &token)
	{
		clang::DiagnosticsEngine &diagnostics = preprocessor.getDiagnostics();
		unsigned id = diagnostics.getCustomDiagID(
			clang::DiagnosticsEngine::Error,
			"%0 can't be tested by the preprocessor in a portable object, which learns "
			"its value when it is loaded: use 'if (%0)' in a program");

		diagnostics.Report(token.getLocation(), id) << token.getIdentifierInfo()->getName();
	}

	static bool is_option(const clang::Token &token)
	{
		const clang::IdentifierInfo *name = token.getIdentifierInfo();

		return name && name->getName().starts_with("CONFIG_") &&
		       !name->hadMacroDefinition();
	}

	void check(const clang::Token &token)
	{
		if (is_option(token))
			report(token);
	}

	void Defined(const clang::Token &token, const clang::MacroDefinition &,
		     clang::SourceRange) override
	{
		check(token);
	}

	void Ifdef(clang::SourceLocation, const clang::Token &token,
		   const clang::MacroDefinition &) override
	{
		check(token);
	}

	void Ifndef(clang::SourceLocation, const clang::Token &token,
		    const clang::MacroDefinition &) override
	{
		if (is_option(token))
			guards.push_back(token);
	}

	void Elifdef(clang::SourceLocation, const clang::Token &token,
		     const clang::MacroDefinition &) override
	{
		check(token);
	}

	void Elifndef(clang::SourceLocation, const clang::Token &token,
		      const clang::MacroDefinition &) override
	{
		check(token);
	}

	void EndOfMainFile() override
	{
		for (const clang::Token &token : guards)
			check(token);
	}

      public:
	explicit ConfigurationConditions(clang::Preprocessor &preprocessor)
	    : preprocessor(preprocessor)
	{
	}
};

/* The text that a macro without parameters expands to at the end of the source. */
class MacroText : public clang::PPCallbacks
{
	/* Macros that expand to macros: deeper than anyone nests them. */
	static constexpr unsigned max_depth = 16;

	clang::Preprocessor &preprocessor;
	const char *name;
	std::string *text; /* unchanged when there is no such macro */

	void append(const clang::MacroInfo &macro, unsigned depth)
	{
		bool first = true;

		for (const clang::Token &token : macro.tokens()) {
			const clang::IdentifierInfo *identifier = token.getIdentifierInfo();
			const clang::MacroInfo *inner =
				identifier ? preprocessor.getMacroInfo(identifier) : nullptr;

			if (!first && token.hasLeadingSpace())
				*text += ' ';
			first = false;
			if (inner && inner->isObjectLike() && depth < max_depth)
				append(*inner, depth + 1);
			else
				*text += preprocessor.getSpelling(token);
		}
	}

	void EndOfMainFile() override
	{
		const clang::MacroInfo *macro =
			preprocessor.getMacroInfo(preprocessor.getIdentifierInfo(name));

		if (!macro || !macro->isObjectLike())
			return;
		append(*macro, 0);
		if (text->empty())
			*text = " ";
	}

      public:
	MacroText(clang::Preprocessor &preprocessor, const char *name, std::string *text)
	    : preprocessor(preprocessor), name(name), text(text)
	{
	}
};

/*
 * Finds what a source takes from the kernel's types without a relocation: values of enumerators,
 * sizes, and layouts of structs that it has copies of. The loader of a portable object compares
 * these with its kernel (types/kernel_needs.c has the format of the lines).
 */
class KernelNeeds : public clang::RecursiveASTVisitor<KernelNeeds>
{
	using Base = clang::RecursiveASTVisitor<KernelNeeds>;

	clang::ASTContext &context;
	std::set<std::string> lines;

	/* A number or pointer in a record: the record that the relocation begins with, and the
	 * members that lead from there, "in6_u.u6_addr32". */
	struct Place {
		const clang::RecordDecl *record = nullptr;
		std::string path;
		bool element = false; /* an element of an array, or a part of one, is accessed */
	};

	/* Whether accesses to members of a record are relocated by the kernel's. */
	static bool is_relocated(const clang::RecordDecl *record)
	{
		const auto *tag = record->getAttr<clang::BTFDeclTagAttr>();

		return record->hasAttr<clang::BPFPreserveAccessIndexAttr>() &&
		       !record->getName().starts_with("tracepoint__") &&
		       !(tag && tag->getBTFDeclTag() == "ebcc_packet");
	}

	/* Whether a record is printed from the kernel's BTF, and not a part of it that the source
	 * declares. */
	bool is_complete(const clang::RecordDecl *record) const
	{
		const clang::SourceManager &sources = context.getSourceManager();

		return is_relocated(record) &&
		       sources.getFilename(sources.getFileLoc(record->getLocation())) ==
			       EBCC_CC_KERNEL_TYPES;
	}

	/* "struct NAME"; or "typedef NAME" of a record without a tag; "" if it has neither. */
	static std::string name_of(const clang::RecordDecl *record)
	{
		const clang::TypedefNameDecl *name = record->getTypedefNameForAnonDecl();

		if (!record->getName().empty())
			return (record->isUnion() ? "union " : "struct ") +
			       record->getNameAsString();
		return name ? "typedef " + name->getNameAsString() : "";
	}

	/* The kernel's record that a type is, or that it is an array of, if it has a name. */
	const clang::RecordDecl *kernel_record(clang::QualType type) const
	{
		const auto *record = context.getBaseElementType(type)->getAs<clang::RecordType>();
		const clang::RecordDecl *definition =
			record ? record->getDecl()->getDefinition() : nullptr;

		return definition && is_complete(definition) && !name_of(definition).empty()
			       ? definition
			       : nullptr;
	}

	void add(const Twine &line)
	{
		lines.insert(line.str());
	}

	uint64_t size_of(clang::QualType type) const
	{
		return type->isIncompleteType() ? 0 : context.getTypeSize(type);
	}

	/* Adds the members of a record, and of nameless ones in it, as " NAME:OFFSET:SIZE" in bits.
	 * The name is a path, "in6_u.u6_addr8", if the type of a member has no name. */
	void append_members(const clang::RecordDecl *record, uint64_t offset,
			    const std::string &prefix, std::string &text)
	{
		const clang::ASTRecordLayout &layout = context.getASTRecordLayout(record);

		for (const clang::FieldDecl *field : record->fields()) {
			uint64_t place = offset + layout.getFieldOffset(field->getFieldIndex());
			uint64_t size = field->isBitField() ? field->getBitWidthValue(context)
							    : size_of(field->getType());
			const clang::RecordDecl *inner = field->getType()->getAsRecordDecl();
			std::string name = prefix + field->getNameAsString();

			if (inner && name_of(inner).empty())
				append_members(inner->getDefinition(), place,
					       field->getName().empty() ? prefix : name + ".",
					       text);
			if (field->getName().empty())
				continue;
			text += (" " + Twine(name) + ":" + Twine(place) + ":" + Twine(size)).str();
			add_layout(field->getType());
		}
	}

	/* The type is used as a whole: the kernel must have the same members at the same places. */
	void add_layout(clang::QualType type)
	{
		const clang::RecordDecl *record = kernel_record(type);
		std::string members;

		if (!record)
			return;
		std::string head = "layout " + name_of(record) + " " +
				   std::to_string(size_of(context.getRecordType(record)));
		if (!lines.insert(head).second)
			return;
		append_members(record, 0, "", members);
		lines.erase(head);
		lines.insert(head + members);
	}

	void add_size(clang::QualType type)
	{
		if (const clang::RecordDecl *record = kernel_record(type))
			add("size " + name_of(record) + " " +
			    Twine(size_of(context.getRecordType(record))));
	}

	/* The place that an expression leads to through members and subscripts of arrays. Its
	 * record is null if it is not one in a kernel's record. */
	static Place place_of(const clang::Expr *expression)
	{
		Place place;

		for (;;) {
			expression = expression->IgnoreParenImpCasts();
			const auto *element = llvm::dyn_cast<clang::ArraySubscriptExpr>(expression);
			const auto *access = llvm::dyn_cast<clang::MemberExpr>(expression);
			const auto *field =
				access ? llvm::dyn_cast<clang::FieldDecl>(access->getMemberDecl())
				       : nullptr;

			if (element) {
				const clang::Expr *base = element->getBase()->IgnoreParenImpCasts();

				if (!base->getType()->isArrayType())
					return place;
				place.element |= place.path.empty();
				expression = base;
				continue;
			}
			if (!field || !is_relocated(field->getParent()))
				return place;
			if (!field->getName().empty())
				place.path = field->getNameAsString() +
					     (place.path.empty() ? "" : "." + place.path);
			place.record = field->getParent();
			if (access->isArrow())
				return place;
			expression = access->getBase();
		}
	}

	/* Adds a line about a place whose record has a name. */
	void add_place(const char *kind, const Place &place, uint64_t size)
	{
		if (place.record && !place.path.empty() && !name_of(place.record).empty())
			add(Twine(kind) + " " + name_of(place.record) + " " + place.path + " " +
			    Twine(size));
	}

	/* A number or pointer is read from or written to a member, or its address is taken. */
	void add_access(const clang::Expr *expression)
	{
		const clang::FieldDecl *field = expression->getSourceBitField();
		clang::QualType type = expression->getType();

		if (type->isScalarType())
			add_place("member", place_of(expression),
				  field ? field->getBitWidthValue(context) : size_of(type));
	}

	/* What a pointer in a member points to is accessed. */
	void add_target(const clang::Expr *pointer)
	{
		clang::QualType target = pointer->getType()->getPointeeType();

		if (!target.isNull() && target->isScalarType())
			add_place("target", place_of(pointer), size_of(target));
	}

	bool is_zero(const clang::Expr *index) const
	{
		clang::Expr::EvalResult value;

		return index->EvaluateAsInt(value, context) && value.Val.getInt() == 0;
	}

	/* Steps of a pointer are as long as the record. */
	void add_step(clang::QualType pointer)
	{
		if (pointer->isPointerType())
			add_size(pointer->getPointeeType());
	}

	/* `(long)&((struct X *)0)->member` is folded to a number where a constant is needed. */
	void add_null_offset(const clang::UnaryOperator *address)
	{
		const clang::Expr *base = address->getSubExpr()->IgnoreParenImpCasts();
		uint64_t bits = 0;

		while (const auto *access = llvm::dyn_cast<clang::MemberExpr>(base)) {
			const auto *field =
				llvm::dyn_cast<clang::FieldDecl>(access->getMemberDecl());

			if (!field)
				return;
			bits += context.getFieldOffset(field);
			base = access->getBase()->IgnoreParenCasts();
		}
		if (base->isNullPointerConstant(context, clang::Expr::NPC_ValueDependentIsNotNull))
			add_place("offset", place_of(address->getSubExpr()), bits / 8);
	}

      public:
	explicit KernelNeeds(clang::ASTContext &context) : context(context)
	{
	}

	std::string text()
	{
		TraverseAST(context);
		std::string all;
		for (const std::string &line : lines)
			all += line + "\n";
		return all;
	}

	/* Functions of headers that nothing calls don't count. */
	bool TraverseFunctionDecl(clang::FunctionDecl *function)
	{
		if (function->getStorageClass() == clang::SC_Static && !function->isReferenced())
			return true;
		return Base::TraverseFunctionDecl(function);
	}

	bool TraverseRecordDecl(clang::RecordDecl *record)
	{
		return record->hasAttr<clang::BPFPreserveAccessIndexAttr>() ||
		       Base::TraverseRecordDecl(record);
	}

	/* The builtins of bpf_core_*() are relocated. Output methods of maps say the type of an
	 * event by one of them. */
	bool TraverseCallExpr(clang::CallExpr *call)
	{
		switch (call->getBuiltinCallee()) {
		case clang::BPF::BI__builtin_btf_type_id:
			add_layout(call->getArg(0)->getType());
			return true;
		case clang::BPF::BI__builtin_preserve_field_info:
		case clang::BPF::BI__builtin_preserve_type_info:
		case clang::BPF::BI__builtin_preserve_enum_value:
			return true;
		default:
			return Base::TraverseCallExpr(call);
		}
	}

	bool VisitVarDecl(clang::VarDecl *variable)
	{
		const auto *section = variable->getAttr<clang::SectionAttr>();
		const clang::RecordDecl *record = variable->getType()->getAsRecordDecl();

		add_layout(variable->getType());
		/* Members of a map's definition are pointers to key and value. */
		if (section && section->getName() == ".maps" && record)
			for (const clang::FieldDecl *field : record->fields())
				if (field->getType()->isPointerType())
					add_layout(field->getType()->getPointeeType());
		return true;
	}

	bool VisitFieldDecl(clang::FieldDecl *field)
	{
		add_layout(field->getType());
		return true;
	}

	bool VisitCompoundLiteralExpr(clang::CompoundLiteralExpr *literal)
	{
		add_layout(literal->getType());
		return true;
	}

	bool VisitDeclRefExpr(clang::DeclRefExpr *reference)
	{
		const auto *constant =
			llvm::dyn_cast<clang::EnumConstantDecl>(reference->getDecl());
		const auto *type =
			constant ? llvm::dyn_cast<clang::EnumDecl>(constant->getDeclContext())
				 : nullptr;
		const auto *mark = type ? type->getAttr<clang::AnnotateAttr>() : nullptr;

		if (mark && mark->getAnnotation() == EBCC_CC_KERNEL_ENUM)
			add("enumerator " + constant->getName() + " " +
			    llvm::toString(constant->getInitVal(), 10));
		return true;
	}

	/* The size of a record, or of a member, an array for example, as a whole. */
	bool VisitUnaryExprOrTypeTraitExpr(clang::UnaryExprOrTypeTraitExpr *expression)
	{
		add_size(expression->getTypeOfArgument());
		if (!expression->isArgumentType()) {
			Place place = place_of(expression->getArgumentExpr());

			add_place(place.element ? "member" : "whole", place,
				  size_of(expression->getTypeOfArgument()));
		}
		return true;
	}

	bool VisitOffsetOfExpr(clang::OffsetOfExpr *expression)
	{
		clang::QualType type = expression->getTypeSourceInfo()->getType();
		clang::Expr::EvalResult value;
		Place place;

		place.record = kernel_record(type);
		for (unsigned i = 0; place.record && i < expression->getNumComponents(); i++) {
			const clang::OffsetOfNode &node = expression->getComponent(i);

			if (node.getKind() != clang::OffsetOfNode::Field) {
				add_layout(type);
				return true;
			}
			if (!node.getField()->getName().empty())
				place.path += (place.path.empty() ? "" : ".") +
					      node.getField()->getNameAsString();
		}
		if (expression->EvaluateAsInt(value, context))
			add_place("offset", place, value.Val.getInt().getZExtValue());
		return true;
	}

	bool VisitImplicitCastExpr(clang::ImplicitCastExpr *cast)
	{
		if (cast->getCastKind() == clang::CK_LValueToRValue) {
			add_layout(cast->getType());
			add_access(cast->getSubExpr());
		}
		/* The elements of an array are accessed through a pointer from here on. */
		if (cast->getCastKind() == clang::CK_ArrayToPointerDecay) {
			clang::QualType element =
				context.getBaseElementType(cast->getSubExpr()->getType());

			if (element->isScalarType())
				add_place("member", place_of(cast->getSubExpr()), size_of(element));
		}
		return true;
	}

	bool VisitUnaryOperator(clang::UnaryOperator *operation)
	{
		if (operation->getOpcode() == clang::UO_AddrOf) {
			add_access(operation->getSubExpr());
			add_null_offset(operation);
		} else if (operation->isIncrementDecrementOp()) {
			add_access(operation->getSubExpr());
			add_step(operation->getType());
		} else if (operation->getOpcode() == clang::UO_Deref) {
			add_target(operation->getSubExpr());
		}
		return true;
	}

	bool VisitBinaryOperator(clang::BinaryOperator *operation)
	{
		if (operation->isAssignmentOp())
			add_access(operation->getLHS());
		if (operation->isAdditiveOp() || operation->getOpcode() == clang::BO_AddAssign ||
		    operation->getOpcode() == clang::BO_SubAssign) {
			add_step(operation->getLHS()->getType());
			add_step(operation->getRHS()->getType());
		}
		return true;
	}

	/* An element of an array in a struct is relocated if its index is a constant, and the array
	 * not in parentheses. */
	bool VisitArraySubscriptExpr(clang::ArraySubscriptExpr *element)
	{
		const clang::Expr *base = element->getBase()->IgnoreImpCasts();
		clang::Expr::EvalResult value;

		if (!base->IgnoreParens()->getType()->isArrayType()) {
			add_target(element->getBase());
			if (!is_zero(element->getIdx()))
				add_size(element->getType());
		} else if (llvm::isa<clang::ParenExpr>(base) ||
			   !element->getIdx()->EvaluateAsInt(value, context)) {
			add_size(element->getType());
			/* The step is an inner array of several dimensions. */
			if (element->getType()->isArrayType())
				add_place("whole", place_of(base),
					  size_of(base->IgnoreParens()->getType()));
		}
		return true;
	}
};

/*
 * Delays code generation until the whole source has been parsed without an error. Clang passes
 * declarations on as it parses them, even invalid ones, and its debug info generator aborts on a
 * struct with a member of unknown type.
 */
class CodegenAfterParsing : public clang::ASTConsumer
{
	using Event = std::function<void(clang::ASTConsumer &)>;

	clang::CompilerInstance &compiler;
	std::unique_ptr<clang::ASTConsumer> codegen;
	std::vector<Event> events;
	bool parsed = false; /* codegen is running: later events are its own */
	bool relocates;	     /* accesses to some records are relocated */
	std::string &needs;  /* set to those of the source if so */

	void forward(Event event)
	{
		if (parsed)
			event(*codegen);
		else
			events.push_back(std::move(event));
	}

	void Initialize(clang::ASTContext &context) override
	{
		codegen->Initialize(context);
	}

	bool HandleTopLevelDecl(clang::DeclGroupRef group) override
	{
		forward([=](clang::ASTConsumer &to) { to.HandleTopLevelDecl(group); });
		return true;
	}

	void HandleInterestingDecl(clang::DeclGroupRef group) override
	{
		forward([=](clang::ASTConsumer &to) { to.HandleInterestingDecl(group); });
	}

	void HandleInlineFunctionDefinition(clang::FunctionDecl *function) override
	{
		forward([=](clang::ASTConsumer &to) {
			to.HandleInlineFunctionDefinition(function);
		});
	}

	void HandleTagDeclDefinition(clang::TagDecl *tag) override
	{
		relocates |= tag->hasAttr<clang::BPFPreserveAccessIndexAttr>() &&
			     !tag->hasAttr<clang::BTFDeclTagAttr>();
		forward([=](clang::ASTConsumer &to) { to.HandleTagDeclDefinition(tag); });
	}

	void HandleTagDeclRequiredDefinition(const clang::TagDecl *tag) override
	{
		forward([=](clang::ASTConsumer &to) { to.HandleTagDeclRequiredDefinition(tag); });
	}

	void CompleteTentativeDefinition(clang::VarDecl *variable) override
	{
		forward([=](clang::ASTConsumer &to) { to.CompleteTentativeDefinition(variable); });
	}

	void CompleteExternalDeclaration(clang::DeclaratorDecl *declaration) override
	{
		forward([=](clang::ASTConsumer &to) {
			to.CompleteExternalDeclaration(declaration);
		});
	}

	void HandleTranslationUnit(clang::ASTContext &context) override
	{
		if (compiler.getDiagnostics().hasErrorOccurred())
			return;
		parsed = true;
		if (relocates)
			needs = KernelNeeds(context).text();
		for (const Event &event : events)
			event(*codegen);
		codegen->HandleTranslationUnit(context);
	}

	clang::ASTMutationListener *GetASTMutationListener() override
	{
		return codegen->GetASTMutationListener();
	}

	clang::ASTDeserializationListener *GetASTDeserializationListener() override
	{
		return codegen->GetASTDeserializationListener();
	}

      public:
	CodegenAfterParsing(clang::CompilerInstance &compiler,
			    std::unique_ptr<clang::ASTConsumer> codegen, bool portable,
			    std::string &needs)
	    : compiler(compiler), codegen(std::move(codegen)), relocates(portable), needs(needs)
	{
	}
};

/* From C to IR. */
class ParseAction : public clang::EmitLLVMOnlyAction
{
	unsigned flags; /* of the request */
	const BrokenFunctions &broken;
	std::string license, needs;

	std::unique_ptr<clang::ASTConsumer> CreateASTConsumer(clang::CompilerInstance &compiler,
							      StringRef file) override
	{
		auto codegen = EmitLLVMOnlyAction::CreateASTConsumer(compiler, file);

		if (!codegen)
			return nullptr;
		return BodySkipper::add(
			std::make_unique<CodegenAfterParsing>(compiler, std::move(codegen),
							      flags & EBCC_CC_PORTABLE, needs),
			broken);
	}

	bool BeginSourceFileAction(clang::CompilerInstance &compiler) override
	{
		clang::Preprocessor &preprocessor = compiler.getPreprocessor();

		if (flags & EBCC_CC_HEADERS)
			preprocessor.addPPCallbacks(
				std::make_unique<KernelHeaderKeywords>(preprocessor));
		if (flags & EBCC_CC_PORTABLE)
			preprocessor.addPPCallbacks(
				std::make_unique<ConfigurationConditions>(preprocessor));
		preprocessor.addPPCallbacks(std::make_unique<CommasInBraces>(preprocessor));
		preprocessor.addPPCallbacks(
			std::make_unique<MacroText>(preprocessor, "BPF_LICENSE", &license));
		return EmitLLVMOnlyAction::BeginSourceFileAction(compiler);
	}

      public:
	ParseAction(llvm::LLVMContext *context, unsigned flags, const BrokenFunctions &broken)
	    : EmitLLVMOnlyAction(context), flags(flags), broken(broken)
	{
	}

	static void annotate(llvm::Module &module, const char *name, const std::string &text)
	{
		llvm::LLVMContext &context = module.getContext();

		if (!text.empty())
			module.getOrInsertNamedMetadata(name)->addOperand(
				llvm::MDNode::get(context, llvm::MDString::get(context, text)));
	}

	/* The module, with what is known about the source in its metadata. */
	std::unique_ptr<llvm::Module> take()
	{
		std::unique_ptr<llvm::Module> module = takeModule();

		if (module) {
			annotate(*module, EBCC_CLANG_LICENSE, license);
			annotate(*module, EBCC_CLANG_NEEDS, needs);
		}
		return module;
	}
};

/* Parses headers and keeps what clang would write into a precompiled header. */
class PrecompileAction : public clang::ASTFrontendAction
{
	std::shared_ptr<clang::PCHBuffer> buffer = std::make_shared<clang::PCHBuffer>();
	const BrokenFunctions &broken;

	std::unique_ptr<clang::ASTConsumer> CreateASTConsumer(clang::CompilerInstance &compiler,
							      StringRef) override
	{
		return BodySkipper::add(
			std::make_unique<clang::PCHGenerator>(
				compiler.getPreprocessor(), compiler.getModuleCache(), "", "",
				buffer,
				llvm::ArrayRef<std::shared_ptr<clang::ModuleFileExtension>>()),
			broken);
	}

	clang::TranslationUnitKind getTranslationUnitKind() override
	{
		return clang::TU_Prefix;
	}

      public:
	explicit PrecompileAction(const BrokenFunctions &broken) : broken(broken)
	{
	}

	/* Empty when the headers have errors. */
	StringRef result() const
	{
		return buffer->IsComplete ? StringRef(buffer->Data.data(), buffer->Data.size())
					  : StringRef();
	}
};

/* Runs one front end action over the request. Returns false if there were errors. Bodies of the
 * functions in @broken are left out; functions newly found to be broken are added to it. */
bool run_action(const ebcc_clang_input &input, ebcc_cc_answer *answer,
		clang::FrontendAction &action, BrokenFunctions *broken = nullptr)
{
	std::string source_path = input.request->source_path && *input.request->source_path
					  ? input.request->source_path
					  : "main.c";
	llvm::SmallVector<const char *, 64> arguments(input.arguments,
						      input.arguments + input.argument_count);
	auto options = llvm::makeIntrusiveRefCnt<clang::DiagnosticOptions>();
	options->ShowOptionNames = true; /* [-Wname] tells users how to turn a warning off */
	clang::CompilerInstance compiler;
	AnswerDiagnostics consumer(compiler, answer, broken, options);
	auto diagnostics = llvm::makeIntrusiveRefCnt<clang::DiagnosticsEngine>(
		llvm::makeIntrusiveRefCnt<clang::DiagnosticIDs>(), options, &consumer, false);
	auto invocation = std::make_shared<clang::CompilerInvocation>();
	StringRef name = path::filename(source_path);
	std::string main_file_name = name.str();

	arguments.append({"-main-file-name", main_file_name.c_str()});
	if (!clang::CompilerInvocation::CreateFromArgs(*invocation, arguments, *diagnostics))
		return false;
	/* Whatever the flags ask for, no dependency files are written. */
	invocation->getDependencyOutputOpts() = {};
	invocation->getPreprocessorOutputOpts().ShowCPP = true;
	invocation->getFrontendOpts().Inputs = {
		clang::FrontendInputFile(source_path, clang::Language::C)};
	invocation->getFrontendOpts().DisableFree = false;
	invocation->getFrontendOpts().SkipFunctionBodies = broken && !broken->empty();

	compiler.setInvocation(invocation);
	compiler.setDiagnostics(diagnostics.get());
	compiler.setVerboseOutputStream(std::make_unique<llvm::raw_null_ostream>());
	clang::ProcessWarningOptions(*diagnostics, invocation->getDiagnosticOpts());
	/* AnswerDiagnostics decides whether it is an error. */
	diagnostics->setSeverity(clang::diag::ext_implicit_lib_function_decl_c99,
				 clang::diag::Severity::Remark, clang::SourceLocation());
	compiler.createFileManager(
		llvm::makeIntrusiveRefCnt<RequestFileSystem>(input, source_path, answer));
	return compiler.ExecuteAction(action) && !diagnostics->hasErrorOccurred() &&
	       !consumer.has_own_errors();
}

/* Runs the action that @make creates, again with a new one whenever more functions of kernel
 * headers turn out to be broken. Returns the action that succeeded, or null. */
template <typename Make>
auto run_without_broken(const ebcc_clang_input &input, ebcc_cc_answer *answer, Make make)
	-> decltype(make(std::declval<const BrokenFunctions &>()))
{
	bool headers = input.request->flags & EBCC_CC_HEADERS;
	BrokenFunctions broken;

	for (;;) {
		size_t known = broken.size(), diagnostics_before = answer->diagnostic_count;
		auto action = make(broken);

		if (run_action(input, answer, *action, headers ? &broken : nullptr))
			return action;
		if (broken.size() == known)
			return nullptr;
		while (answer->diagnostic_count > diagnostics_before)
			ebcc_cc_answer_remove_diagnostic(answer, diagnostics_before);
	}
}

} // namespace

/*
 * Debian's clang is built with Polly as a static extension, which its archives refer to by name.
 * Polly optimizes loop nests, which is useless here: an empty plugin in its place saves linking two
 * more libraries.
 */
llvm::PassPluginLibraryInfo getPollyPluginInfo()
{
	return {LLVM_PLUGIN_API_VERSION, "none", "", [](llvm::PassBuilder &) {}};
}

LLVMModuleRef ebcc_clang_parse(LLVMContextRef context, const ebcc_clang_input *input,
			       ebcc_cc_answer *answer)
{
	auto action = run_without_broken(*input, answer, [&](const BrokenFunctions &broken) {
		return std::make_unique<ParseAction>(llvm::unwrap(context), input->request->flags,
						     broken);
	});

	return action ? llvm::wrap(action->take().release()) : nullptr;
}

bool ebcc_clang_precompile(const ebcc_clang_input *input, ebcc_cc_answer *answer, char **ret,
			   size_t *ret_size)
{
	auto action = run_without_broken(*input, answer, [](const BrokenFunctions &broken) {
		return std::make_unique<PrecompileAction>(broken);
	});
	StringRef result = action ? action->result() : StringRef();

	if (result.empty())
		return false;
	*ret = static_cast<char *>(malloc(result.size()));
	if (!*ret)
		return false;
	memcpy(*ret, result.data(), result.size());
	*ret_size = result.size();
	return true;
}

char *ebcc_clang_preprocess(const ebcc_clang_input *input)
{
	std::string text;
	llvm::raw_string_ostream out(text);
	PreprocessAction action(out);

	if (!run_action(*input, nullptr, action))
		return nullptr;
	return strdup(out.str().c_str());
}

void ebcc_llvm_disable_dwarf(LLVMModuleRef module_ref)
{
	llvm::Module *module = llvm::unwrap(module_ref);
	llvm::SmallVector<llvm::Module::ModuleFlagEntry, 8> flags;

	/*
	 * The asm printer emits DWARF unless the module asks for CodeView only. CodeView itself is
	 * emitted for Windows only, and BTF for any module with debug info.
	 */
	module->getModuleFlagsMetadata(flags);
	if (llvm::NamedMDNode *node = module->getNamedMetadata("llvm.module.flags"))
		node->eraseFromParent();
	for (const auto &flag : flags)
		if (flag.Key->getString() != "Dwarf Version")
			module->addModuleFlag(flag.Behavior, flag.Key->getString(), flag.Val);
	module->addModuleFlag(llvm::Module::Warning, "CodeView", 1);
}

/* The file of a scope is its first operand. */
static void complete_source(llvm::DIScope *scope, llvm::DIFile *main)
{
	llvm::DIFile *file = scope->getFile();

	if (file && file != main && !file->getRawSource() &&
	    file->getFilename() == main->getFilename())
		scope->replaceOperandWith(0, main);
}

void ebcc_llvm_complete_sources(LLVMModuleRef module_ref)
{
	llvm::Module *module = llvm::unwrap(module_ref);
	llvm::DebugInfoFinder finder;

	finder.processModule(*module);
	for (llvm::DICompileUnit *unit : finder.compile_units()) {
		for (llvm::DISubprogram *subprogram : finder.subprograms())
			complete_source(subprogram, unit->getFile());
		for (llvm::DIScope *scope : finder.scopes())
			if (llvm::isa<llvm::DILexicalBlockBase>(scope))
				complete_source(scope, unit->getFile());
	}
}

char *ebcc_llvm_diagnostic_message(LLVMDiagnosticInfoRef info_ref, char **ret_path,
				   unsigned *ret_line, unsigned *ret_column)
{
	const llvm::DiagnosticInfo *info = llvm::unwrap(info_ref);
	std::string message, file;
	llvm::raw_string_ostream out(message);
	unsigned line = 0, column = 0;

	if (const auto *unsupported = llvm::dyn_cast<llvm::DiagnosticInfoUnsupported>(info)) {
		StringRef relative;

		if (unsupported->isLocationAvailable()) {
			unsupported->getLocation(relative, line, column);
			file = relative.str();
		}
		out << "in function '" << unsupported->getFunction().getName()
		    << "': " << unsupported->getMessage();
	} else {
		llvm::DiagnosticPrinterRawOStream printer(out);

		info->print(printer);
	}
	*ret_path = strdup(file.c_str());
	*ret_line = line;
	*ret_column = column;
	return strdup(out.str().c_str());
}

const char *ebcc_llvm_version(void)
{
	return LLVM_VERSION_STRING;
}
