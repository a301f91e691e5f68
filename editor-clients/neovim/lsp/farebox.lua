-- What Neovim's language client is told of the server: found by vim.lsp.enable("farebox"), which setup() calls.
local config = require("farebox.config")
local notice = require("farebox.notice")
local server = require("farebox.server")

local LEVELS = { vim.log.levels.ERROR, vim.log.levels.WARN, vim.log.levels.INFO, vim.log.levels.DEBUG }

local function root_dir(buffer, on_dir)
  if server.may_start(buffer) then
    on_dir(vim.fs.root(buffer, server.ROOT_MARKERS))
  end
end

---@param client vim.lsp.Client
---@param root string
local function add_folder(client, root)
  local folder = { uri = vim.uri_from_fname(root), name = root }
  for _, known in ipairs(client.workspace_folders or {}) do
    if known.uri == folder.uri then
      return
    end
  end
  client.workspace_folders = vim.list_extend(client.workspace_folders or {}, { folder })
  server.with(function(ready)
    ready:notify("workspace/didChangeWorkspaceFolders", { event = { added = { folder }, removed = {} } })
  end)
end

--- One server for all roots: one ledger's worth of money, and one start to wait for.
local function reuse_client(client, client_config)
  if client.name ~= client_config.name or client:is_stopped() then
    return false
  end
  if type(client_config.root_dir) == "string" then
    add_folder(client, client_config.root_dir)
  end
  return true
end

local function before_init(params)
  params.initializationOptions =
    { settings = vim.tbl_extend("keep", config.current.settings, vim.empty_dict()) }
end

local function handed_on(method)
  return function(_, params)
    server.hear(method, params)
  end
end

local function show_message(_, params)
  notice.tell((params.message:gsub("^farebox: ", "")), LEVELS[params.type])
end

return {
  name = server.NAME,
  cmd = server.spawn,
  root_dir = root_dir,
  reuse_client = reuse_client,
  before_init = before_init,
  on_init = server.ready,
  on_exit = server.exited,
  handlers = {
    ["farebox/status"] = handed_on("farebox/status"),
    ["farebox/chatEvent"] = handed_on("farebox/chatEvent"),
    ["window/showMessage"] = show_message,
  },
}
