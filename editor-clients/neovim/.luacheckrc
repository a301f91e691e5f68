std = "luajit"
cache = false
codes = true
max_line_length = 130
read_globals = { "vim" }
files["."].globals = { "vim.bo", "vim.wo", "vim.b", "vim.g", "vim.o", "vim.go", "vim.v", "vim.opt" }
