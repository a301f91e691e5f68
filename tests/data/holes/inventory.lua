local Inventory = {}
Inventory.__index = Inventory

function Inventory.new(capacity)
  local self = setmetatable({}, ⟦Inventory⟧)
  self.capacity = capacity
  self.items = {}
  return self
end

function Inventory:count()
  local total = 0
  for _, amount in pairs(⟦self.items⟧) do
    total = total + amount
  end
  return total
end

function Inventory:add(name, amount)
  if self:count() + amount > self.capacity then
    return false, "⟦inventory is full⟧"
  end
  self.items[name] = (self.items[name] or 0) + amount
  return true
end

function Inventory:remove(name, amount)
  local have = self.items[name] or 0
  if have < amount then
    return false
  end
  ⟦self.items[name] = have - amount⟧
  return true
end

return Inventory
